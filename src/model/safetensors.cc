#include "model/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace s2i {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

// As in the reference implementation: a longer header is a malformed or hostile file.
constexpr uint64_t kMaxHeaderBytes = 100'000'000;
constexpr size_t kMaxDimensions = 16;

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<TypeName, 10> kTypes = {{{"F64", at::kDouble},
                                              {"F32", at::kFloat},
                                              {"F16", at::kHalf},
                                              {"BF16", at::kBFloat16},
                                              {"I64", at::kLong},
                                              {"I32", at::kInt},
                                              {"I16", at::kShort},
                                              {"I8", at::kChar},
                                              {"U8", at::kByte},
                                              {"BOOL", at::kBool}}};

struct Entry {
  std::string name;
  at::ScalarType type = at::kFloat;
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  ///< bytes from the start of the data
};

class HeaderReader {
 public:
  HeaderReader(const std::filesystem::path& path, std::span<const std::byte> file)
      : path_(path.string()), file_(file) {}

  std::vector<Entry> read(std::map<std::string, std::string>& metadata) {
    uint64_t length = 0;
    if (file_.size() < sizeof(length)) fail("it ends before its header");
    std::memcpy(&length, file_.data(), sizeof(length));
    if (length > kMaxHeaderBytes) fail("its header claims {} bytes", length);
    if (length > file_.size() - sizeof(length)) {
      fail("its header claims {} bytes and the file has {}; it may be cut short", length,
           file_.size());
    }
    data_ = file_.subspan(sizeof(length) + length);
    const Json header =
        parse_json({reinterpret_cast<const char*>(file_.data()) + sizeof(length), length}, path_);
    if (!header.is_object()) fail("its header is not a JSON object");
    std::vector<Entry> entries;
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, text] : value.items()) {
          if (!text.is_string()) fail("its metadata \"{}\" is not a text", key);
          metadata[key] = text.get<std::string>();
        }
      } else {
        entries.push_back(entry(name, value));
      }
    }
    check_cover(entries);
    return entries;
  }

  std::span<const std::byte> data() const { return data_; }

 private:
  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw UserError("{} is not a good safetensors file: {}", path_,
                    fmt::format(format, std::forward<Args>(args)...));
  }

  Entry entry(const std::string& name, const Json& value) const {
    Entry result;
    result.name = name;
    const auto type = json_get<std::string>(value, "dtype", path_ + ", " + name);
    const auto* known = std::find_if(kTypes.begin(), kTypes.end(),
                                     [&](const TypeName& t) { return type == t.name; });
    if (known == kTypes.end()) fail("tensor {} has the type {}", name, type);
    result.type = known->type;
    const Json& shape = member_list(value, "shape", name);
    if (shape.size() > kMaxDimensions) fail("tensor {} has {} dimensions", name, shape.size());
    uint64_t bytes = c10::elementSize(result.type);
    for (const Json& size : shape) {
      const uint64_t count = natural(size, name);
      if (__builtin_mul_overflow(bytes, count, &bytes) ||
          bytes > static_cast<uint64_t>(INT64_MAX)) {
        fail("tensor {} has an impossible shape", name);
      }
      result.shape.push_back(static_cast<int64_t>(count));
    }
    const Json& offsets = member_list(value, "data_offsets", name);
    if (offsets.size() != 2) fail("tensor {} has {} offsets", name, offsets.size());
    result.begin = natural(offsets[0], name);
    result.end = natural(offsets[1], name);
    if (result.begin > result.end || result.end - result.begin != bytes) {
      fail("tensor {} needs {} bytes and lies at {} ... {}", name, bytes, result.begin, result.end);
    }
    if (result.end > data_.size()) {
      fail("tensor {} ends at byte {} of {}; the file may be cut short", name, result.end,
           data_.size());
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
      if (e.begin < covered) fail("tensor {} overlaps the one before", e.name);
      if (e.begin > covered) fail("no tensor covers bytes {} ... {}", covered, e.begin);
      covered = e.end;
    }
    if (covered != data_.size()) {
      fail("no tensor covers bytes {} ... {}", covered, data_.size());
    }
  }

  std::string path_;
  std::span<const std::byte> file_;
  std::span<const std::byte> data_;
};

const char* type_name(at::ScalarType type, const std::string& tensor) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known.name;
  }
  throw RunError("tensor {} has the type {}, which safetensors files cannot hold", tensor,
                 c10::toString(type));
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  const MappedFile file(path);
  Safetensors result;
  HeaderReader header(path, file.bytes());
  for (Entry& entry : header.read(result.metadata)) {
    at::Tensor tensor = at::empty(entry.shape, entry.type);
    const auto bytes = header.data().subspan(entry.begin, entry.end - entry.begin);
    // A copy, because the file need not be aligned and may change while it is mapped.
    if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
    result.tensors.emplace_back(std::move(entry.name), std::move(tensor));
  }
  return result;
}

void write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                       const std::map<std::string, std::string>& metadata) {
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t end = offset + static_cast<uint64_t>(tensor.nbytes());
    S2I_CHECK(!header.contains(name) && name != "__metadata__", "tensor {} twice", name);
    header[name] = {{"dtype", type_name(tensor.scalar_type(), name)},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data starts aligned
  const uint64_t length = text.size();

  AtomicFile file(path);
  file.write(std::as_bytes(std::span(&length, 1)));
  file.write(std::as_bytes(std::span(text)));
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor values = tensor.detach().cpu().contiguous();
    file.write({static_cast<const std::byte*>(values.const_data_ptr()), values.nbytes()});
  }
  file.commit();
}

}  // namespace s2i
