// Whether bf16 is faster than fp32 on this processor.
#pragma once

#include <string>

namespace s2i {

/// Time of a matrix product in bf16 divided by its time in fp32, on this machine with the current
/// number of threads. Takes some milliseconds.
double measure_bf16_ratio();

/// Returns a warning if products in bf16 are slower than in fp32 by more than the noise of the
/// measurement, or "". Without bf16 instructions they are many times slower.
std::string bf16_warning(double ratio);

}  // namespace s2i
