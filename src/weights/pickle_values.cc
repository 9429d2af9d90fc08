#include "weights/pickle_values.h"

#include <fmt/format.h>

#include <utility>

namespace s2i {
namespace {

[[noreturn]] void fail_missing() { throw BadPickle("it takes a value that is not there"); }

}  // namespace

void PickleValues::push(PickleValue value) {
  if (values_.size() >= kMaxValues) {
    throw BadPickle(fmt::format("more than {} values, which no state dict needs", kMaxValues));
  }
  values_.push_back(std::move(value));
  stack_.push_back(static_cast<PickleIndex>(values_.size() - 1));
}

PickleIndex PickleValues::top() const {
  if (stack_.empty()) fail_missing();
  return stack_.back();
}

PickleIndex PickleValues::pop() {
  const PickleIndex index = top();
  stack_.pop_back();
  return index;
}

std::vector<PickleIndex> PickleValues::pop_count(size_t count) {
  if (stack_.size() < count) fail_missing();
  std::vector<PickleIndex> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
  stack_.resize(stack_.size() - count);
  return items;
}

std::vector<PickleIndex> PickleValues::pop_to_mark() {
  size_t mark = stack_.size();
  while (mark > 0 && values_[stack_[mark - 1]].kind != PickleKind::kMark) --mark;
  if (mark == 0) fail_missing();
  std::vector<PickleIndex> items = pop_count(stack_.size() - mark);
  pop();
  return items;
}

void PickleValues::add_members(PickleKind kind, const std::vector<PickleIndex>& items) {
  PickleValue& value = values_[top()];
  if (value.kind != kind) throw BadPickle("it puts members into what holds none");
  if (kind == PickleKind::kDict && items.size() % 2 != 0) throw BadPickle("a key without a value");
  value.items.insert(value.items.end(), items.begin(), items.end());
}

void PickleValues::recall(uint32_t key) {
  const auto entry = memo_.find(key);
  if (entry == memo_.end()) {
    throw BadPickle(fmt::format("it names a value {} that is not there", key));
  }
  push_again(entry->second);
}

}  // namespace s2i
