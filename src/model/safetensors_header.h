// The header of a safetensors file (https://github.com/huggingface/safetensors): which tensors it
// has, of what type and shape, and where their values lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "model/element_type.h"

namespace s2i {

struct SafetensorsEntry {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> values;  ///< within the file, perhaps not aligned
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of their values
  std::map<std::string, std::string> metadata;
};

/// The name that the format has for a type: "F32".
const char* safetensors_type_name(ElementType type);

/// Reads and checks the header of a whole file in memory: its length, each tensor's type, shape and
/// place, that the tensors cover the data without holes or overlaps, that no name comes twice.
/// `where` stands in the messages. Throws UserError.
SafetensorsHeader read_safetensors_header(std::span<const std::byte> file,
                                          const std::string& where);

}  // namespace s2i
