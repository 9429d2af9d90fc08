// How shards store samples.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s2i {

enum class SampleType {
  kInt16,    ///< round(x * 32768), clipped: what telephone and CD audio are; half the bytes.
  kFloat32,  ///< x itself, little endian.
};

constexpr size_t bytes_per_sample(SampleType type) { return type == SampleType::kInt16 ? 2 : 4; }

/// "int16" or "float32".
std::string sample_type_name(SampleType type);

/// The reverse; throws UserError naming the choices.
SampleType parse_sample_type(std::string_view name);

}  // namespace s2i
