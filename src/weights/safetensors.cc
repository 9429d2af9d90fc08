#include "weights/safetensors.h"

#include <ATen/ops/empty.h>

#include <span>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "weights/safetensors_header.h"
#include "weights/scalar_type.h"

namespace s2i {
namespace {

const char* type_name(at::ScalarType type, const std::string& tensor) {
  for (int i = 0; i <= static_cast<int>(ElementType::kBool); ++i) {
    const auto known = static_cast<ElementType>(i);
    if (scalar_type(known) == type) return safetensors_type_name(known);
  }
  throw RunError("tensor {} has the type {}, which safetensors files cannot hold", tensor,
                 c10::toString(type));
}

}  // namespace

Safetensors read_safetensors(const std::filesystem::path& path) {
  const InputFile file(path);
  SafetensorsHeader header = read_safetensors_header(file, path.string());
  Safetensors result;
  result.metadata = std::move(header.metadata);
  for (SafetensorsEntry& entry : header.entries) {
    at::Tensor tensor = at::empty(entry.shape, scalar_type(entry.type));
    file.read(entry.offset, {static_cast<std::byte*>(tensor.mutable_data_ptr()), entry.bytes});
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
