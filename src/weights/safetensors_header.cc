#include "weights/safetensors_header.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/json.h"

namespace s2i {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// A tensor takes about 100 bytes of header, a WavLM has 500; parsed JSON takes 30 times its text.
constexpr uint64_t kMaxHeaderBytes = 16 << 20;
constexpr size_t kMaxDimensions = 16;

struct TypeName {
  const char* name;
  ElementType type;
};
constexpr std::array<TypeName, 10> kTypes = {{{"F64", ElementType::kF64},
                                              {"F32", ElementType::kF32},
                                              {"F16", ElementType::kF16},
                                              {"BF16", ElementType::kBF16},
                                              {"I64", ElementType::kI64},
                                              {"I32", ElementType::kI32},
                                              {"I16", ElementType::kI16},
                                              {"I8", ElementType::kI8},
                                              {"U8", ElementType::kU8},
                                              {"BOOL", ElementType::kBool}}};

struct Entry {
  SafetensorsEntry tensor;
  uint64_t begin = 0, end = 0;  ///< bytes from the start of the data
};

class HeaderReader {
 public:
  HeaderReader(const std::string& where, const ByteSource& file) : where_(where), file_(file) {}

  SafetensorsHeader read() {
    uint64_t length = 0;
    if (file_.size() < sizeof(length)) fail("it ends before its header");
    file_.read(0, std::as_writable_bytes(std::span(&length, 1)));
    if (length > kMaxHeaderBytes) {
      fail("its header claims {} bytes, over the limit of {}", length, kMaxHeaderBytes);
    }
    if (length > file_.size() - sizeof(length)) {
      fail("its header claims {} bytes and the file has {}; it may be cut short", length,
           file_.size());
    }
    data_start_ = sizeof(length) + length;
    std::string text(length, '\0');
    file_.read(sizeof(length), std::as_writable_bytes(std::span(text)));
    const Json header = parse_json(text, where_);
    if (!header.is_object()) fail("its header is not a JSON object");
    SafetensorsHeader result;
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name != "__metadata__") {
        entries.push_back(entry(name, value));
      } else if (!json_convert(value, result.metadata)) {
        fail("its metadata is not a list of texts by name");
      }
    }
    check_cover(entries);
    for (Entry& e : entries) {
      e.tensor.offset = data_start_ + e.begin;
      e.tensor.bytes = e.end - e.begin;
      result.entries.push_back(std::move(e.tensor));
    }
    return result;
  }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError("{} is not a good safetensors file: {}", where_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  Entry entry(const std::string& name, const Json& value) const {
    Entry result;
    result.tensor.name = name;
    const auto type = json_get<std::string>(value, "dtype", where_ + ", " + name);
    const auto* known = std::find_if(kTypes.begin(), kTypes.end(),
                                     [&](const TypeName& t) { return type == t.name; });
    if (known == kTypes.end()) fail("tensor {} has the type {}", name, type);
    result.tensor.type = known->type;
    const Json& shape = member_list(value, "shape", name);
    if (shape.size() > kMaxDimensions) fail("tensor {} has {} dimensions", name, shape.size());
    // Strides are products of the sizes that are not 0, and must not overflow either.
    int64_t reach = bytes_of(known->type);
    bool empty = false;
    for (const Json& size : shape) {
      const uint64_t count = natural(size, name);
      if (count == 0) {
        empty = true;
      } else if (__builtin_mul_overflow(reach, count, &reach)) {
        fail("tensor {} has an impossible shape", name);
      }
      result.tensor.shape.push_back(static_cast<int64_t>(count));
    }
    const uint64_t bytes = empty ? 0 : static_cast<uint64_t>(reach);
    const Json& offsets = member_list(value, "data_offsets", name);
    if (offsets.size() != 2) fail("tensor {} has {} offsets", name, offsets.size());
    result.begin = natural(offsets[0], name);
    result.end = natural(offsets[1], name);
    if (result.begin > result.end || result.end - result.begin != bytes) {
      fail("tensor {} needs {} bytes and lies at {} ... {}", name, bytes, result.begin, result.end);
    }
    if (result.end > data_bytes()) {
      fail("tensor {} ends at byte {} of {}; the file may be cut short", name, result.end,
           data_bytes());
    }
    return result;
  }

  const Json& member_list(const Json& value, const char* key, const std::string& name) const {
    if (!value.is_object() || !value.contains(key) || !value.at(key).is_array()) {
      fail("tensor {} has no list \"{}\"", name, key);
    }
    return value.at(key);
  }

  uint64_t natural(const Json& value, const std::string& name) const {
    if (!value.is_number_unsigned()) fail("tensor {} has a size that is no number", name);
    return value.get<uint64_t>();
  }

  /// Sorts the entries by their place and checks that they cover the data.
  void check_cover(std::vector<Entry>& entries) const {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    uint64_t covered = 0;
    for (const Entry& e : entries) {
      if (e.begin < covered) fail("tensor {} overlaps the one before", e.tensor.name);
      if (e.begin > covered) fail("no tensor covers bytes {} ... {}", covered, e.begin);
      covered = e.end;
    }
    if (covered != data_bytes()) {
      fail("no tensor covers bytes {} ... {}", covered, data_bytes());
    }
  }

  uint64_t data_bytes() const { return file_.size() - data_start_; }

  const std::string& where_;
  const ByteSource& file_;
  uint64_t data_start_ = 0;
};

}  // namespace

const char* safetensors_type_name(ElementType type) {
  const auto* const known =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const TypeName& t) { return t.type == type; });
  return known->name;
}

SafetensorsHeader read_safetensors_header(const ByteSource& file, const std::string& where) {
  return HeaderReader(where, file).read();
}

}  // namespace s2i
