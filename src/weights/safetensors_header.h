// The header of a safetensors file (https://github.com/huggingface/safetensors): which tensors it
// has, of what type and shape, and where their values lie.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/byte_source.h"
#include "weights/element_type.h"

namespace s2i {

struct SafetensorsEntry {
  std::string name;
  ElementType type = ElementType::kF32;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  ///< Where in the file its values begin.
  uint64_t bytes = 0;   ///< of its values
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of their values
  std::map<std::string, std::string> metadata;
};

/// The name that the format has for a type: "F32".
const char* safetensors_type_name(ElementType type);

/// Reads and checks the header of a file: its length, each tensor's type, shape and place, that the
/// tensors cover the data without holes or overlaps, that no name comes twice. `where` stands in
/// the messages. Throws UserError, RunError if the file cannot be read.
SafetensorsHeader read_safetensors_header(const ByteSource& file, const std::string& where);

}  // namespace s2i
