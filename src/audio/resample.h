// Sample-rate conversion by libsoxr.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace s2i {

/// Converts one channel from `from_rate` to `to_rate` Hz; round(n * to / from) samples come out.
/// Equal rates copy. The result depends on the arguments alone. `output` is overwritten, its memory
/// used again. Throws RunError.
///
/// Quality: soxr's "high" (20 bits, what the Python packages soxr and librosa take by default).
/// "Very high" (28 bits) is below the rounding of int16 shards and takes 1.9 times as long.
void resample(std::span<const float> input, int from_rate, int to_rate, std::vector<float>& output);

/// The library, its version and the quality: "libsoxr-0.1.3 HQ".
std::string resampler_name();

}  // namespace s2i
