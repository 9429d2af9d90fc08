// How the CPU kernels are vectorized: plain loops, compiled once for each instruction set and
// chosen at run time. The portable build keeps working on machines without AVX.
#pragma once

// The sanitizers and other compilers than GCC get the portable version alone.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define S2I_SIMD \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define S2I_SIMD
#endif
