#include "model/pickle_reader.h"

#include <bit>
#include <cstring>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/error.h"

namespace s2i {
namespace {

enum class Kind {
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

using Index = uint32_t;  // a value's place in the arena

struct Value {
  Kind kind = Kind::kNone;
  int64_t number = 0;
  std::string text = {};          // of a text or the "module name" of a global
  std::vector<Index> items = {};  // of a sequence; keys and values in turn of a dict
  PickledStorage storage = {};
  at::Tensor tensor = {};
};

const std::map<std::string, at::ScalarType, std::less<>>& storage_types() {
  static const std::map<std::string, at::ScalarType, std::less<>> types = {
      {"torch FloatStorage", at::kFloat}, {"torch DoubleStorage", at::kDouble},
      {"torch HalfStorage", at::kHalf},   {"torch BFloat16Storage", at::kBFloat16},
      {"torch LongStorage", at::kLong},   {"torch IntStorage", at::kInt},
      {"torch ShortStorage", at::kShort}, {"torch CharStorage", at::kChar},
      {"torch ByteStorage", at::kByte},   {"torch BoolStorage", at::kBool}};
  return types;
}

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";

// Values live in an arena and refer to each other by index, so that no nesting, however deep, can
// exhaust the call stack; every opcode adds at most one, so the stream bounds them all.
class PickleReader {
 public:
  PickleReader(std::string_view pickle, const StorageLoader& load, const std::string& where)
      : input_(pickle), load_(load), where_(where) {}

  NamedTensors read() {
    while (step()) {
    }
    const Value& root = arena_[pop()];
    if (root.kind != Kind::kDict) fail("it holds no dict of tensors");
    NamedTensors result;
    for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const Value &name = arena_[root.items[i]], &value = arena_[root.items[i + 1]];
      if (name.kind != Kind::kText || value.kind != Kind::kTensor) {
        fail("it is not a state dict: the member {} is not a tensor with a name", i / 2);
      }
      result.emplace_back(name.text, value.tensor);
    }
    return result;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError("{}, byte {} of its pickle: {}", where_, position_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  // One opcode (Python's pickletools names them); false at the end of the stream.
  bool step() {
    const auto opcode = static_cast<unsigned char>(take(1)[0]);
    switch (opcode) {
      case 0x80:
        take(1);
        break;  // PROTO
      case 0x95:
        take(8);
        break;  // FRAME
      case '.':
        return false;  // STOP
      case '(':
        push({.kind = Kind::kMark});
        break;  // MARK
      case 'N':
        push({.kind = Kind::kNone});
        break;  // NONE
      case 0x88:
        push({.kind = Kind::kBool, .number = 1});
        break;  // NEWTRUE
      case 0x89:
        push({.kind = Kind::kBool});
        break;  // NEWFALSE
      case 'K':
        push_int(number<uint8_t>());
        break;  // BININT1
      case 'M':
        push_int(number<uint16_t>());
        break;  // BININT2
      case 'J':
        push_int(number<int32_t>());
        break;  // BININT
      case 0x8a:
        push_long();
        break;  // LONG1
      case 'G':
        take(8);
        push({.kind = Kind::kFloat});
        break;  // BINFLOAT
      case 'X':
        push_text(number<uint32_t>());
        break;  // BINUNICODE
      case 0x8c:
        push_text(number<uint8_t>());
        break;  // SHORT_BINUNICODE
      case ')':
      case ']':
        push({.kind = Kind::kSequence});
        break;  // EMPTY_TUPLE, EMPTY_LIST
      case '}':
        push({.kind = Kind::kDict});
        break;  // EMPTY_DICT
      case 0x85:
        push_tuple(1);
        break;  // TUPLE1
      case 0x86:
        push_tuple(2);
        break;  // TUPLE2
      case 0x87:
        push_tuple(3);
        break;  // TUPLE3
      case 't':
        push_tuple(pop_to_mark());
        break;  // TUPLE
      case 'a':
        append(pop_count(1));
        break;  // APPEND
      case 'e':
        append(pop_to_mark());
        break;  // APPENDS
      case 's':
        set_items(pop_count(2));
        break;  // SETITEM
      case 'u':
        set_items(pop_to_mark());
        break;  // SETITEMS
      case 'q':
        memo_[number<uint8_t>()] = top();
        break;  // BINPUT
      case 'r':
        memo_[number<uint32_t>()] = top();
        break;  // LONG_BINPUT
      case 0x94:
        memo_[static_cast<uint32_t>(memo_.size())] = top();
        break;  // MEMOIZE
      case 'h':
        get_memo(number<uint8_t>());
        break;  // BINGET
      case 'j':
        get_memo(number<uint32_t>());
        break;  // LONG_BINGET
      case 'c':
        named_global();
        break;  // GLOBAL
      case 0x93:
        stack_global();
        break;  // STACK_GLOBAL
      case 'Q':
        persistent();
        break;  // BINPERSID
      case 'R':
        reduce();
        break;  // REDUCE
      case 'b':
        pop();
        break;  // BUILD: only OrderedDict's attributes (_metadata), not needed
      default:
        fail("the opcode 0x{:02x}, which no state dict needs", opcode);
    }
    return true;
  }

  std::string_view take(size_t count) {
    if (count > input_.size() - position_) fail("it ends too early");
    const std::string_view bytes = input_.substr(position_, count);
    position_ += count;
    return bytes;
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string line() {
    const size_t end = input_.find('\n', position_);
    if (end == std::string_view::npos) fail("it ends too early");
    const std::string text(input_.substr(position_, end - position_));
    position_ = end + 1;
    return text;
  }

  void push(Value value) {
    arena_.push_back(std::move(value));
    stack_.push_back(static_cast<Index>(arena_.size() - 1));
  }
  Index top() const {
    if (stack_.empty()) fail("it takes a value that is not there");
    return stack_.back();
  }
  Index pop() {
    const Index index = top();
    stack_.pop_back();
    return index;
  }
  std::vector<Index> pop_count(size_t count) {
    if (stack_.size() < count) fail("it takes a value that is not there");
    std::vector<Index> items(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end());
    stack_.resize(stack_.size() - count);
    return items;
  }
  std::vector<Index> pop_to_mark() {
    size_t mark = stack_.size();
    while (mark > 0 && arena_[stack_[mark - 1]].kind != Kind::kMark) --mark;
    if (mark == 0) fail("it takes a value that is not there");
    std::vector<Index> items = pop_count(stack_.size() - mark);
    pop();
    return items;
  }

  void push_int(int64_t value) { push({.kind = Kind::kInt, .number = value}); }
  void push_long() {
    const auto size = number<uint8_t>();
    if (size > 8) fail("a number of {} bytes", size);
    const std::string_view bytes = take(size);
    uint64_t value = 0;
    std::memcpy(&value, bytes.data(), size);
    const int unused = 64 - 8 * size;  // sign extension
    if (size > 0) value = static_cast<uint64_t>(static_cast<int64_t>(value << unused) >> unused);
    push_int(static_cast<int64_t>(value));
  }
  void push_text(size_t size) { push({.kind = Kind::kText, .text = std::string(take(size))}); }
  void push_tuple(size_t count) { push_tuple(pop_count(count)); }
  void push_tuple(std::vector<Index> items) {
    push({.kind = Kind::kSequence, .items = std::move(items)});
  }

  Value& container(Kind kind) {
    Value& value = arena_[top()];
    if (value.kind != kind) fail("it puts members into what holds none");
    return value;
  }
  void append(const std::vector<Index>& items) {
    Value& list = container(Kind::kSequence);
    list.items.insert(list.items.end(), items.begin(), items.end());
  }
  void set_items(const std::vector<Index>& items) {
    if (items.size() % 2 != 0) fail("a key without a value");
    Value& dict = container(Kind::kDict);
    dict.items.insert(dict.items.end(), items.begin(), items.end());
  }
  void get_memo(uint32_t key) {
    const auto entry = memo_.find(key);
    if (entry == memo_.end()) fail("it names a value {} that is not there", key);
    stack_.push_back(entry->second);
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + " " + name;
    if (global != kOrderedDict && global != kRebuildTensor && global != kRebuildParameter &&
        !storage_types().contains(global)) {
      fail("it names {}.{}, which no state dict needs; refused, because a pickle can run code",
           module, name);
    }
    push({.kind = Kind::kGlobal, .text = global});
  }
  void named_global() {
    const std::string module = line();
    push_global(module, line());
  }
  void stack_global() {
    const auto items = pop_count(2);
    if (arena_[items[0]].kind != Kind::kText || arena_[items[1]].kind != Kind::kText) {
      fail("a global without a name");
    }
    push_global(arena_[items[0]].text, arena_[items[1]].text);
  }

  // ("storage", type, key, location, count)
  void persistent() {
    const Value& id = arena_[pop()];
    if (id.kind != Kind::kSequence || id.items.size() != 5) fail("a storage that is none");
    const Value &type = arena_[id.items[1]], &key = arena_[id.items[2]],
                &count = arena_[id.items[4]];
    const auto known = storage_types().find(type.text);
    if (arena_[id.items[0]].text != "storage" || type.kind != Kind::kGlobal ||
        known == storage_types().end() || key.kind != Kind::kText || count.kind != Kind::kInt ||
        count.number < 0) {
      fail("a storage that is none");
    }
    push({.kind = Kind::kStorage, .storage = {key.text, known->second, count.number}});
  }

  void reduce() {
    const Index arguments = pop();
    const Value& function = arena_[pop()];
    if (function.kind != Kind::kGlobal || arena_[arguments].kind != Kind::kSequence) {
      fail("it calls what cannot be called");
    }
    const std::vector<Index> items = arena_[arguments].items;
    if (function.text == kOrderedDict && items.empty()) {
      push({.kind = Kind::kDict});
    } else if (function.text == kRebuildTensor && items.size() >= 4) {
      const at::Tensor tensor =
          rebuild(arena_[items[0]], arena_[items[1]], arena_[items[2]], arena_[items[3]]);
      push({.kind = Kind::kTensor, .tensor = tensor});
    } else if (function.text == kRebuildParameter && !items.empty() &&
               arena_[items[0]].kind == Kind::kTensor) {
      stack_.push_back(items[0]);
    } else {
      fail("it calls {} with {} arguments", function.text, items.size());
    }
  }

  std::vector<int64_t> naturals(const Value& value) const {
    if (value.kind != Kind::kSequence || value.items.size() > 16) fail("a shape that is none");
    std::vector<int64_t> result;
    for (const Index item : value.items) {
      if (arena_[item].kind != Kind::kInt || arena_[item].number < 0) fail("a shape that is none");
      result.push_back(arena_[item].number);
    }
    return result;
  }

  at::Tensor rebuild(const Value& storage, const Value& offset, const Value& size,
                     const Value& stride) {
    if (storage.kind != Kind::kStorage || offset.kind != Kind::kInt || offset.number < 0) {
      fail("a tensor without a storage");
    }
    const std::vector<int64_t> sizes = naturals(size), strides = naturals(stride);
    if (sizes.size() != strides.size())
      fail("a tensor with {} sizes, {} strides", sizes.size(), strides.size());
    int64_t last = offset.number;  // the place of the last value
    bool empty = false;
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (sizes[i] == 0) {
        empty = true;
        continue;
      }
      int64_t reach = 0;
      if (__builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
          __builtin_add_overflow(last, reach, &last)) {
        fail("a tensor with an impossible shape");
      }
    }
    if (!empty && last >= storage.storage.count) {
      fail("a tensor reaches past its storage data/{}", storage.storage.key);
    }
    // Strides of 0 could turn a small file into any amount of memory.
    int64_t values = 1;
    for (const int64_t s : sizes) {
      if (__builtin_mul_overflow(values, s, &values) || values > storage.storage.count) {
        fail("a tensor has more values than its storage data/{}", storage.storage.key);
      }
    }
    if (empty) return load_(storage.storage).narrow(0, 0, 0).reshape(sizes);
    return load_(storage.storage).as_strided(sizes, strides, offset.number).contiguous();
  }

  std::string_view input_;
  const StorageLoader& load_;
  const std::string& where_;
  size_t position_ = 0;
  std::vector<Value> arena_;
  std::vector<Index> stack_;
  std::map<uint32_t, Index> memo_;
};

}  // namespace

NamedTensors read_pickled_tensors(std::string_view pickle, const StorageLoader& load,
                                  const std::string& where) {
  return PickleReader(pickle, load, where).read();
}

}  // namespace s2i
