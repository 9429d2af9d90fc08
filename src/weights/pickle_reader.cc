#include "weights/pickle_reader.h"

#include <cstring>
#include <map>
#include <set>
#include <utility>

#include "core/error.h"
#include "weights/pickle_values.h"

namespace s2i {
namespace {

using Kind = PickleKind;
using Index = PickleIndex;

constexpr size_t kMaxDimensions = 16;
constexpr size_t kMaxKeyBytes = 64;
constexpr size_t kMaxNameBytes = 1024;

const std::map<std::string, ElementType, std::less<>>& storage_types() {
  static const std::map<std::string, ElementType, std::less<>> types = {
      {"torch FloatStorage", ElementType::kF32}, {"torch DoubleStorage", ElementType::kF64},
      {"torch HalfStorage", ElementType::kF16},  {"torch BFloat16Storage", ElementType::kBF16},
      {"torch LongStorage", ElementType::kI64},  {"torch IntStorage", ElementType::kI32},
      {"torch ShortStorage", ElementType::kI16}, {"torch CharStorage", ElementType::kI8},
      {"torch ByteStorage", ElementType::kU8},   {"torch BoolStorage", ElementType::kBool}};
  return types;
}

constexpr std::string_view kOrderedDict = "collections OrderedDict";
constexpr std::string_view kRebuildTensor = "torch._utils _rebuild_tensor_v2";
constexpr std::string_view kRebuildParameter = "torch._utils _rebuild_parameter";

class PickleReader {
 public:
  explicit PickleReader(std::string_view pickle) : input_(pickle) {}

  std::vector<PickledTensor> read() {
    while (step()) {
    }
    const PickleValue& root = values_[values_.pop()];
    if (root.kind != Kind::kDict) fail("it holds no dict of tensors");
    std::vector<PickledTensor> result;
    std::set<std::string_view> names;
    for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const PickleValue &name = values_[root.items[i]], &value = values_[root.items[i + 1]];
      if (name.kind != Kind::kText || value.kind != Kind::kTensor ||
          name.text.size() > kMaxNameBytes) {
        fail("it is not a state dict: the member {} is not a tensor with a name", i / 2);
      }
      if (!names.insert(name.text).second) fail("the tensor {} is there twice", name.text);
      result.push_back(tensors_[static_cast<size_t>(value.number)]);
      result.back().name = name.text;
    }
    tensors_.check_total(result);
    return result;
  }

  size_t position() const { return position_; }

 private:
  template <typename... Args>
  [[noreturn]] static void fail(fmt::format_string<Args...> format, Args&&... args) {
    throw BadPickle(fmt::format(format, std::forward<Args>(args)...));
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
        values_.push({.kind = Kind::kMark});
        break;  // MARK
      case 'N':
        values_.push({.kind = Kind::kNone});
        break;  // NONE
      case 0x88:
        values_.push({.kind = Kind::kBool, .number = 1});
        break;  // NEWTRUE
      case 0x89:
        values_.push({.kind = Kind::kBool});
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
        values_.push({.kind = Kind::kFloat});
        break;  // BINFLOAT
      case 'X':
        push_text(number<uint32_t>());
        break;  // BINUNICODE
      case 0x8c:
        push_text(number<uint8_t>());
        break;  // SHORT_BINUNICODE
      case ')':
      case ']':
        values_.push({.kind = Kind::kSequence});
        break;  // EMPTY_TUPLE, EMPTY_LIST
      case '}':
        values_.push({.kind = Kind::kDict});
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
        push_tuple(values_.pop_to_mark());
        break;  // TUPLE
      case 'a':
        values_.add_members(Kind::kSequence, values_.pop_count(1));
        break;  // APPEND
      case 'e':
        values_.add_members(Kind::kSequence, values_.pop_to_mark());
        break;  // APPENDS
      case 's':
        values_.add_members(Kind::kDict, values_.pop_count(2));
        break;  // SETITEM
      case 'u':
        values_.add_members(Kind::kDict, values_.pop_to_mark());
        break;  // SETITEMS
      case 'q':
        values_.remember(number<uint8_t>());
        break;  // BINPUT
      case 'r':
        values_.remember(number<uint32_t>());
        break;  // LONG_BINPUT
      case 0x94:
        values_.remember_next();
        break;  // MEMOIZE
      case 'h':
        values_.recall(number<uint8_t>());
        break;  // BINGET
      case 'j':
        values_.recall(number<uint32_t>());
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
        values_.pop();
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
    std::string text(input_.substr(position_, end - position_));
    position_ = end + 1;
    return text;
  }

  void push_int(int64_t value) { values_.push({.kind = Kind::kInt, .number = value}); }
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
  void push_text(size_t size) {
    values_.push({.kind = Kind::kText, .text = std::string(take(size))});
  }
  void push_tuple(size_t count) { push_tuple(values_.pop_count(count)); }
  void push_tuple(std::vector<Index> items) {
    values_.push({.kind = Kind::kSequence, .items = std::move(items)});
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + " " + name;
    if (global != kOrderedDict && global != kRebuildTensor && global != kRebuildParameter &&
        !storage_types().contains(global)) {
      fail("it names {}.{}, which no state dict needs; refused, because a pickle can run code",
           module, name);
    }
    values_.push({.kind = Kind::kGlobal, .text = global});
  }
  void named_global() {
    const std::string module = line();
    push_global(module, line());
  }
  void stack_global() {
    const auto items = values_.pop_count(2);
    if (values_[items[0]].kind != Kind::kText || values_[items[1]].kind != Kind::kText) {
      fail("a global without a name");
    }
    push_global(values_[items[0]].text, values_[items[1]].text);
  }

  // ("storage", type, key, location, count)
  void persistent() {
    const PickleValue& id = values_[values_.pop()];
    if (id.kind != Kind::kSequence || id.items.size() != 5) fail("a storage that is none");
    const PickleValue &type = values_[id.items[1]], &key = values_[id.items[2]],
                      &count = values_[id.items[4]];
    const auto known = storage_types().find(type.text);
    if (values_[id.items[0]].text != "storage" || type.kind != Kind::kGlobal ||
        known == storage_types().end() || key.kind != Kind::kText || count.kind != Kind::kInt ||
        count.number < 0 || !is_plain_key(key.text)) {
      fail("a storage that is none");
    }
    const size_t storage = tensors_.add_storage({key.text, known->second, count.number});
    values_.push({.kind = Kind::kStorage, .number = static_cast<int64_t>(storage)});
  }

  /// Letters and digits: what a record of the archive may be called.
  static bool is_plain_key(std::string_view key) {
    constexpr std::string_view kPlain =
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return !key.empty() && key.size() <= kMaxKeyBytes &&
           key.find_first_not_of(kPlain) == std::string_view::npos;
  }

  void reduce() {
    const PickleValue& arguments = values_[values_.pop()];
    const PickleValue& function = values_[values_.pop()];
    if (function.kind != Kind::kGlobal || arguments.kind != Kind::kSequence) {
      fail("it calls what cannot be called");
    }
    const std::vector<Index>& items = arguments.items;
    if (function.text == kOrderedDict && items.empty()) {
      values_.push({.kind = Kind::kDict});
    } else if (function.text == kRebuildTensor && items.size() >= 4) {
      rebuild(values_[items[0]], values_[items[1]], values_[items[2]], values_[items[3]]);
    } else if (function.text == kRebuildParameter && !items.empty() &&
               values_[items[0]].kind == Kind::kTensor) {
      values_.push_again(items[0]);
    } else {
      fail("it calls {} with {} arguments", function.text, items.size());
    }
  }

  std::vector<int64_t> naturals(const PickleValue& value) const {
    if (value.kind != Kind::kSequence || value.items.size() > kMaxDimensions) {
      fail("a shape that is none");
    }
    std::vector<int64_t> result;
    for (const Index item : value.items) {
      if (values_[item].kind != Kind::kInt || values_[item].number < 0) {
        fail("a shape that is none");
      }
      result.push_back(values_[item].number);
    }
    return result;
  }

  void rebuild(const PickleValue& storage, const PickleValue& offset, const PickleValue& size,
               const PickleValue& stride) {
    if (storage.kind != Kind::kStorage || offset.kind != Kind::kInt || offset.number < 0) {
      fail("a tensor without a storage");
    }
    std::vector<int64_t> sizes = naturals(size), strides = naturals(stride);
    if (sizes.size() != strides.size()) {
      fail("a tensor with {} sizes, {} strides", sizes.size(), strides.size());
    }
    const size_t tensor = tensors_.add_tensor(static_cast<size_t>(storage.number), offset.number,
                                              std::move(sizes), std::move(strides));
    values_.push({.kind = Kind::kTensor, .number = static_cast<int64_t>(tensor)});
  }

  std::string_view input_;
  size_t position_ = 0;
  PickleValues values_;
  PickledTensors tensors_;
};

}  // namespace

std::vector<PickledTensor> read_pickled_tensors(std::string_view pickle, const std::string& where) {
  PickleReader reader(pickle);
  try {
    return reader.read();
  } catch (const BadPickle& error) {
    throw UserError("{}, byte {} of its pickle: {}", where, reader.position(), error.what());
  }
}

}  // namespace s2i
