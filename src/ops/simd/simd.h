// How the CPU kernels are vectorized: plain loops over vectors of sixteen floats, compiled once per
// instruction set; the clone for the machine is chosen at run time, so the portable build also runs
// without AVX.
#pragma once

#include <cstdint>

// Sanitizers and compilers other than GCC get the portable version only.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define S2I_SIMD \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define S2I_SIMD
#endif

namespace s2i {

constexpr int64_t kVecLanes = 16;

}  // namespace s2i
