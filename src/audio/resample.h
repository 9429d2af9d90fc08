// Sample-rate conversion with libsoxr.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace s2i {

/// Converts one channel from `from_rate` to `to_rate` Hz and produces round(n * to / from) samples.
/// Copies the input if the rates are equal. The result depends only on the arguments. Overwrites
/// `output` and reuses its memory. Throws RunError.
///
/// Quality: soxr's "high" (20 bits), the default of the Python packages soxr and librosa. The extra
/// precision of "very high" (28 bits) is below int16 rounding, and it takes 1.9 times as long.
void resample(std::span<const float> input, int from_rate, int to_rate, std::vector<float>& output);

/// The library, its version and the quality setting: "libsoxr-0.1.3 HQ".
std::string resampler_name();

}  // namespace s2i
