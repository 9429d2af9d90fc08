// Without LibTorch headers, for the CUDA kernels too.
#pragma once

#include <cstdint>

namespace s2i {

/// The elements of one group are updated alike. Groups change at multiples of so many elements.
constexpr int64_t kUpdateUnit = 16;

}  // namespace s2i
