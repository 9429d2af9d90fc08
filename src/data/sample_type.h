// The sample format of shards.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s2i {

enum class SampleType {
  kInt16,    ///< round(x * 32768), clipped. Half the size; the format of most corpora.
  kFloat32,  ///< x unchanged, little endian.
};

constexpr size_t bytes_per_sample(SampleType type) { return type == SampleType::kInt16 ? 2 : 4; }

/// "int16" or "float32".
std::string sample_type_name(SampleType type);

/// Parses "int16" or "float32". Throws UserError.
SampleType parse_sample_type(std::string_view name);

}  // namespace s2i
