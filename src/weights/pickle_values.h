// The values that a pickle builds, its stack and its memo: Python's unpickler without Python.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace s2i {

enum class PickleKind {
  kNone,
  kBool,
  kInt,
  kFloat,
  kText,
  kSequence,
  kDict,
  kGlobal,
  kStorage,
  kTensor,
  kMark
};

using PickleIndex = uint32_t;  ///< a value's place among all of them

struct PickleValue {
  PickleKind kind = PickleKind::kNone;
  /// Of an integer; a storage's or tensor's place in the reader's list of them.
  int64_t number = 0;
  std::string text = {};                ///< of a text, or the "module name" of a global
  std::vector<PickleIndex> items = {};  ///< of a sequence; keys and values in turn of a dict
};

/// What is wrong with a pickle.
class BadPickle : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Values refer to each other by index, so that no nesting, however deep, can exhaust the call
/// stack; and there are at most kMaxValues of them. Every call throws BadPickle where the stream
/// takes what is not there.
class PickleValues {
 public:
  /// A state dict of 500 tensors takes 20,000.
  static constexpr size_t kMaxValues = 1 << 19;

  const PickleValue& operator[](PickleIndex index) const { return values_[index]; }

  void push(PickleValue value);
  void push_again(PickleIndex index) { stack_.push_back(index); }
  PickleIndex top() const;
  PickleIndex pop();
  std::vector<PickleIndex> pop_count(size_t count);
  /// All above the last mark, and the mark.
  std::vector<PickleIndex> pop_to_mark();
  /// Adds members to the sequence or dict on top.
  void add_members(PickleKind kind, const std::vector<PickleIndex>& items);

  void remember(uint32_t key) { memo_[key] = top(); }
  void remember_next() { remember(static_cast<uint32_t>(memo_.size())); }
  void recall(uint32_t key);

 private:
  std::vector<PickleValue> values_;
  std::vector<PickleIndex> stack_;
  std::map<uint32_t, PickleIndex> memo_;
};

}  // namespace s2i
