#include "data/sample_type.h"

#include "core/error.h"

namespace s2i {

std::string sample_type_name(SampleType type) {
  return type == SampleType::kInt16 ? "int16" : "float32";
}

SampleType parse_sample_type(std::string_view name) {
  if (name == "int16") return SampleType::kInt16;
  if (name == "float32") return SampleType::kFloat32;
  throw UserError("unknown sample type '{}'; use int16 or float32", name);
}

}  // namespace s2i
