#include <cuda_bf16.h>

#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu_cuda.h"
#include "ops/cuda_kernel.h"

namespace s2i {
namespace {

constexpr int kThreads = 128;
constexpr int64_t kFramesPerThread = 64;  // of the forward pass; they share the load of the weights
constexpr int kPublishedTaps = 10;        // kept in registers, others in local memory

/// A thread has a channel of an utterance and some consecutive frames. Neighboring threads have
/// neighboring channels.
struct Place {
  int64_t utterance, chunk, channel;
};

__device__ Place place_of_thread(const ConvGeluSizes& sizes, int64_t chunks) {
  const int64_t groups = (sizes.channels + kThreads - 1) / kThreads;
  const int64_t block = blockIdx.x;
  return {block / groups / chunks, block / groups % chunks,
          block % groups * kThreads + threadIdx.x};
}

int64_t blocks_of(const ConvGeluSizes& sizes, int64_t chunks) {
  return sizes.batch * chunks * ((sizes.channels + kThreads - 1) / kThreads);
}

/// kTaps: the number of taps, or 0 if it is known at run time only.
template <int kTaps>
struct Filter {
  static constexpr int kRoom = kTaps == 0 ? kMaxConvTaps : kTaps;
  float tap[kRoom];
  float shift;
  int count;

  __device__ Filter(const float* weight, const ConvGeluSizes& sizes, const Place& place)
      : count(kTaps == 0 ? static_cast<int>(sizes.taps) : kTaps) {
    const float* first = weight + place.utterance * (sizes.taps + 1) * sizes.channels;
    for (int j = 0; j < count; ++j) tap[j] = first[j * sizes.channels + place.channel];
    shift = first[count * sizes.channels + place.channel];
  }

  __device__ float operator()(const float* window) const {
    float z = shift;
    for (int j = 0; j < count; ++j) z += tap[j] * window[j];
    return z;
  }
};

__device__ float normal_cumulative(float z) { return 0.5F * (1.0F + erff(z * 0.70710678F)); }

__device__ float gelu_slope(float z) {
  return normal_cumulative(z) + z * 0.39894228F * expf(-0.5F * z * z);
}

template <typename Scalar, int kTaps>
__global__ void forward_kernel(const float* x, const float* weight, Scalar* y,
                               const ConvGeluSizes sizes) {
  const int64_t chunks = (sizes.rows + kFramesPerThread - 1) / kFramesPerThread;
  const Place place = place_of_thread(sizes, chunks);
  if (place.channel >= sizes.channels) return;
  const Filter<kTaps> filter(weight, sizes, place);
  const int64_t begin = place.chunk * kFramesPerThread;
  const int64_t end = begin + kFramesPerThread < sizes.rows ? begin + kFramesPerThread : sizes.rows;
  const float* samples = x + place.utterance * sizes.samples;
  Scalar* out = y + place.utterance * sizes.rows * sizes.channels + place.channel;
  for (int64_t t = begin; t < end; ++t) {
    const float z = filter(samples + t * sizes.stride);
    out[t * sizes.channels] = static_cast<Scalar>(z * normal_cumulative(z));
  }
}

template <typename Scalar, int kTaps>
__global__ void backward_kernel(const float* x, const float* weight, const Scalar* grad,
                                float* part, const ConvGeluSizes sizes) {
  const Place place = place_of_thread(sizes, sizes.sums());
  if (place.channel >= sizes.channels) return;
  const Filter<kTaps> filter(weight, sizes, place);
  const int64_t begin = place.chunk * kFramesPerSum;
  const int64_t end = begin + kFramesPerSum < sizes.rows ? begin + kFramesPerSum : sizes.rows;
  const float* samples = x + place.utterance * sizes.samples;
  const Scalar* from = grad + place.utterance * sizes.rows * sizes.channels + place.channel;
  float sum[Filter<kTaps>::kRoom + 1];
  for (int j = 0; j <= filter.count; ++j) sum[j] = 0;
  for (int64_t t = begin; t < end; ++t) {
    const float* window = samples + t * sizes.stride;
    const float g = static_cast<float>(from[t * sizes.channels]) * gelu_slope(filter(window));
    for (int j = 0; j < filter.count; ++j) sum[j] += g * window[j];
    sum[filter.count] += g;
  }
  float* to = part +
              (place.utterance * sizes.sums() + place.chunk) * (sizes.taps + 1) * sizes.channels +
              place.channel;
  for (int j = 0; j <= filter.count; ++j) to[j * sizes.channels] = sum[j];
}

template <typename Scalar>
cudaError_t forward(const float* x, const float* weight, void* y, const ConvGeluSizes& sizes,
                    cudaStream_t stream) {
  const int64_t chunks = (sizes.rows + kFramesPerThread - 1) / kFramesPerThread;
  const auto kernel = sizes.taps == kPublishedTaps ? forward_kernel<Scalar, kPublishedTaps>
                                                   : forward_kernel<Scalar, 0>;
  return launch_kernel(kernel, blocks_of(sizes, chunks), kThreads, stream, x, weight,
                       static_cast<Scalar*>(y), sizes);
}

template <typename Scalar>
cudaError_t backward(const float* x, const float* weight, const void* grad, float* part,
                     const ConvGeluSizes& sizes, cudaStream_t stream) {
  const auto kernel = sizes.taps == kPublishedTaps ? backward_kernel<Scalar, kPublishedTaps>
                                                   : backward_kernel<Scalar, 0>;
  return launch_kernel(kernel, blocks_of(sizes, sizes.sums()), kThreads, stream, x, weight,
                       static_cast<const Scalar*>(grad), part, sizes);
}

}  // namespace

cudaError_t launch_conv_gelu(const float* x, const float* weight, void* y, bool bfloat16,
                             const ConvGeluSizes& sizes, cudaStream_t stream) {
  return bfloat16 ? forward<__nv_bfloat16>(x, weight, y, sizes, stream)
                  : forward<float>(x, weight, y, sizes, stream);
}

cudaError_t launch_conv_gelu_backward(const float* x, const float* weight, const void* grad,
                                      bool bfloat16, float* part, const ConvGeluSizes& sizes,
                                      cudaStream_t stream) {
  return bfloat16 ? backward<__nv_bfloat16>(x, weight, grad, part, sizes, stream)
                  : backward<float>(x, weight, grad, part, sizes, stream);
}

}  // namespace s2i
