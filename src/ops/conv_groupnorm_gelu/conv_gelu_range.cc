#include "ops/conv_groupnorm_gelu/conv_gelu_range.h"

#include "ops/simd/simd.h"
#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

constexpr int64_t kFramesPerBlock = 4;  // frames that share a load of the weights

/// The normalized convolution of four frames and sixteen channels; weight and shift point to the
/// first channel.
S2I_INLINE void convolve(const float* const* window, const float* weight, const float* shift,
                         int64_t taps, int64_t padded, Vec* z) {
  for (int i = 0; i < kFramesPerBlock; ++i) z[i] = vec_load(shift);
  for (int64_t j = 0; j < taps; ++j) {
    const Vec w = vec_load(weight + j * padded);
    for (int i = 0; i < kFramesPerBlock; ++i) z[i] += w * window[i][j];
  }
}

/// Past the end of a range the last window is repeated; nothing is written or summed for it.
S2I_INLINE void windows_at(const FrameRange& range, int64_t t, const float** window) {
  for (int i = 0; i < kFramesPerBlock; ++i) {
    const int64_t frame = t + i < range.count ? t + i : range.count - 1;
    window[i] = range.x + frame * range.stride;
  }
}

// By value: stores to y cannot change the copy, so its fields stay in registers.
template <typename T>
S2I_INLINE void forward_range(FrameRange range, T* y) {
  const int64_t padded = range.padded, channels = range.channels;
  for (int64_t t = 0; t < range.count; t += kFramesPerBlock) {
    const float* window[kFramesPerBlock];
    windows_at(range, t, window);
    for (int64_t c = 0; c < channels; c += kVecLanes) {
      Vec z[kFramesPerBlock];
      convolve(window, range.weight + c, range.shift + c, range.taps, padded, z);
      for (int i = 0; i < kFramesPerBlock && t + i < range.count; ++i) {
        vec_store_some(y + (t + i) * channels + c, z[i] * vec_normal(z[i]).cumulative,
                       channels - c);
      }
    }
  }
}

template <typename T>
S2I_INLINE void backward_range(FrameRange range, const T* grad, float* sums) {
  const int64_t padded = range.padded, channels = range.channels;
  for (int64_t t = 0; t < range.count; t += kFramesPerBlock) {
    const float* window[kFramesPerBlock];
    windows_at(range, t, window);
    for (int64_t c = 0; c < channels; c += kVecLanes) {
      Vec z[kFramesPerBlock], total{};
      convolve(window, range.weight + c, range.shift + c, range.taps, padded, z);
      for (int i = 0; i < kFramesPerBlock; ++i) {
        const bool in_range = t + i < range.count;
        const NormalVec normal = vec_normal(z[i]);
        const Vec slope = normal.cumulative + z[i] * normal.density;
        z[i] =
            in_range ? slope * vec_load_some(grad + (t + i) * channels + c, channels - c) : Vec{};
        total += z[i];
      }
      for (int64_t j = 0; j < range.taps; ++j) {
        float* sum = sums + j * padded + c;
        Vec s = vec_load(sum);
        for (int i = 0; i < kFramesPerBlock; ++i) s += z[i] * window[i][j];
        vec_store(sum, s);
      }
      float* sum = sums + range.taps * padded + c;
      vec_store(sum, vec_load(sum) + total);
    }
  }
}

}  // namespace

// Target clones cannot be templates.
S2I_SIMD void conv_gelu_forward(const FrameRange& range, float* y) { forward_range(range, y); }
S2I_SIMD void conv_gelu_forward(const FrameRange& range, uint16_t* y) { forward_range(range, y); }
S2I_SIMD void conv_gelu_backward(const FrameRange& range, const float* grad, float* sums) {
  backward_range(range, grad, sums);
}
S2I_SIMD void conv_gelu_backward(const FrameRange& range, const uint16_t* grad, float* sums) {
  backward_range(range, grad, sums);
}

}  // namespace s2i
