#include <cuda_bf16.h>

#include "ops/cuda_kernel.h"
#include "ops/dropout/dropout_bits.h"
#include "ops/dropout_add_norm/dropout_add_norm_cuda.h"

namespace s2i {
namespace {

// A block handles one row at a time, a thread eight neighboring columns, which share a block of
// random bits and stay in registers.
constexpr int kWidth = 8;
constexpr int kMaxThreads = 512;  // for 4096 columns
constexpr int kTotals = 16;       // threads that add up what the others have summed

// The last kernel: a block handles some columns, each of which is summed by several threads.
constexpr int kSumColumns = 32;
constexpr int kSumSlices = 8;

struct Mask {
  const int64_t* keys;  // null: everything is kept
  uint64_t site;
  uint32_t threshold;
  float scale;
};

Mask mask_of(const NormDropout& dropout) {
  if (dropout.keys == nullptr) return {nullptr, 0, 0, 1};
  const uint32_t threshold = dropout_threshold(dropout.p);
  return {dropout.keys, static_cast<uint64_t>(dropout.site), threshold, dropout_scale(threshold)};
}

/// The columns of the running thread. `count` is 0 for threads past the end of the row.
struct Columns {
  int64_t first;
  int count;

  __device__ explicit Columns(int64_t columns) : first(int64_t{threadIdx.x} * kWidth) {
    const int64_t left = columns - first;
    count = left >= kWidth ? kWidth : left > 0 ? static_cast<int>(left) : 0;
  }
};

/// Eight neighboring elements, moved sixteen bytes at a time.
template <typename Scalar>
struct alignas(16) Pack {
  Scalar element[kWidth];
};

template <typename Scalar>
__device__ bool is_packed(const Scalar* pointer, int count) {
  return count == kWidth && reinterpret_cast<uintptr_t>(pointer) % 16 == 0;
}

template <typename Scalar>
__device__ void load(const Scalar* from, int count, float* to) {
  if (is_packed(from, count)) {
    const Pack<Scalar> pack = *reinterpret_cast<const Pack<Scalar>*>(from);
    for (int j = 0; j < kWidth; ++j) to[j] = static_cast<float>(pack.element[j]);
    return;
  }
  for (int j = 0; j < kWidth; ++j) to[j] = j < count ? static_cast<float>(from[j]) : 0.0F;
}

template <typename Scalar>
__device__ void store(Scalar* to, int count, const float* from) {
  if (is_packed(to, count)) {
    Pack<Scalar> pack;
    for (int j = 0; j < kWidth; ++j) pack.element[j] = static_cast<Scalar>(from[j]);
    *reinterpret_cast<Pack<Scalar>*>(to) = pack;
    return;
  }
  for (int j = 0; j < kWidth; ++j) {
    if (j < count) to[j] = static_cast<Scalar>(from[j]);
  }
}

__device__ void drop(float* value, const Mask& mask, int64_t utterance, int64_t row,
                     const Columns& columns) {
  if (mask.keys == nullptr) return;
  const uint64_t key = dropout_key(static_cast<uint64_t>(mask.keys[utterance]), mask.site);
  const PhiloxBlock bits = dropout_block(key, dropout_row_number(0, row), columns.first / kWidth);
  for (int j = 0; j < kWidth; ++j) {
    value[j] = dropout_bits(bits, j) >= mask.threshold ? value[j] * mask.scale : 0.0F;
  }
}

constexpr size_t shared_floats(int sums, int threads) {
  return static_cast<size_t>(sums) * static_cast<size_t>(threads + kTotals);
}

/// Replaces each of kSums values by its sum over the block's threads. Every thread has to call it;
/// `shared` has shared_floats(kSums, threads) elements.
template <int kSums>
__device__ void block_sums(float (&value)[kSums], float* shared) {
  const unsigned threads = blockDim.x, t = threadIdx.x;
  float* totals = shared + kSums * threads;
  for (int s = 0; s < kSums; ++s) shared[s * threads + t] = value[s];
  __syncthreads();
  if (t < kTotals) {
    for (int s = 0; s < kSums; ++s) {
      float total = 0;
      for (unsigned i = t; i < threads; i += kTotals) total += shared[s * threads + i];
      totals[s * kTotals + t] = total;
    }
  }
  __syncthreads();
  for (int s = 0; s < kSums; ++s) {
    value[s] = 0;
    for (int i = 0; i < kTotals; ++i) value[s] += totals[s * kTotals + i];
  }
}

template <typename Scalar>
__global__ void __launch_bounds__(kMaxThreads)
    forward_kernel(const NormForward tensors, const Mask mask, const NormSizes sizes) {
  float* shared = shared_memory<float>();
  const Columns columns(sizes.columns);
  const auto width = static_cast<float>(sizes.columns);
  const int64_t row = blockIdx.x, offset = row * sizes.columns + columns.first;
  float value[kWidth], other[kWidth];
  load(static_cast<const Scalar*>(tensors.x) + offset, columns.count, value);
  load(tensors.residual + offset, columns.count, other);
  drop(value, mask, row / sizes.rows, row % sizes.rows, columns);
  float sum[1] = {0};
  for (int j = 0; j < kWidth; ++j) {
    value[j] += other[j];
    sum[0] += value[j];
  }
  store(tensors.sum + offset, columns.count, value);
  block_sums(sum, shared);
  const float mean = sum[0] / width;
  sum[0] = 0;
  for (int j = 0; j < kWidth; ++j) {
    value[j] = j < columns.count ? value[j] - mean : 0.0F;
    sum[0] += value[j] * value[j];
  }
  block_sums(sum, shared);
  const float inverse = 1.0F / sqrtf(sum[0] / width + tensors.epsilon);
  if (threadIdx.x == 0) {
    tensors.statistics[2 * row] = mean;
    tensors.statistics[2 * row + 1] = inverse;
  }
  float weight[kWidth];
  load(tensors.weight + columns.first, columns.count, weight);
  load(tensors.bias + columns.first, columns.count, other);
  for (int j = 0; j < kWidth; ++j) value[j] = value[j] * inverse * weight[j] + other[j];
  store(tensors.normalized + offset, columns.count, value);
  if (tensors.typed != nullptr) {
    store(static_cast<Scalar*>(tensors.typed) + offset, columns.count, value);
  }
}

/// One block for each partial sum. It leaves parts [sums,2,columns].
template <typename Scalar>
__global__ void __launch_bounds__(kMaxThreads)
    backward_kernel(const NormBackward tensors, const Mask mask, const NormSizes sizes) {
  float* shared = shared_memory<float>();
  const Columns columns(sizes.columns);
  const auto width = static_cast<float>(sizes.columns);
  float weight[kWidth], weight_sum[kWidth], bias_sum[kWidth];
  load(tensors.weight + columns.first, columns.count, weight);
  for (int j = 0; j < kWidth; ++j) weight_sum[j] = bias_sum[j] = 0;
  const int64_t begin = blockIdx.x * tensors.rows_per_sum, all = sizes.batch * sizes.rows;
  const int64_t end = begin + tensors.rows_per_sum < all ? begin + tensors.rows_per_sum : all;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t offset = row * sizes.columns + columns.first;
    const float mean = tensors.statistics[2 * row], inverse = tensors.statistics[2 * row + 1];
    float unit[kWidth], grad[kWidth], other[kWidth];
    load(tensors.sum + offset, columns.count, unit);
    for (int j = 0; j < kWidth; ++j) grad[j] = 0;
    if (tensors.grad_normalized != nullptr) {
      load(tensors.grad_normalized + offset, columns.count, grad);
    }
    if (tensors.grad_typed != nullptr) {
      load(static_cast<const Scalar*>(tensors.grad_typed) + offset, columns.count, other);
      for (int j = 0; j < kWidth; ++j) grad[j] += other[j];
    }
    float sums[2] = {0, 0};  // of the scaled gradient, and of its product with the unit
    for (int j = 0; j < kWidth; ++j) {
      unit[j] = (unit[j] - mean) * inverse;
      weight_sum[j] += grad[j] * unit[j];
      bias_sum[j] += grad[j];
      grad[j] *= weight[j];
      sums[0] += grad[j];
      sums[1] += grad[j] * unit[j];
    }
    block_sums(sums, shared);
    for (int j = 0; j < kWidth; ++j) {
      grad[j] = inverse * (grad[j] - sums[0] / width - unit[j] * (sums[1] / width));
    }
    if (tensors.grad_sum != nullptr) {
      load(tensors.grad_sum + offset, columns.count, other);
      for (int j = 0; j < kWidth; ++j) grad[j] += other[j];
    }
    store(tensors.residual + offset, columns.count, grad);
    if (tensors.x != nullptr) {
      drop(grad, mask, row / sizes.rows, row % sizes.rows, columns);
      store(static_cast<Scalar*>(tensors.x) + offset, columns.count, grad);
    }
  }
  float* part = tensors.parts + blockIdx.x * 2 * sizes.columns + columns.first;
  store(part, columns.count, weight_sum);
  store(part + sizes.columns, columns.count, bias_sum);
}

/// Sums parts [count,2,columns]: every kSumSlices-th by the same thread, then the slices.
__global__ void sum_kernel(const float* parts, int64_t count, int64_t columns, float* weight,
                           float* bias) {
  float* shared = shared_memory<float>();
  const int lane = static_cast<int>(threadIdx.x) % kSumColumns;
  const int slice = static_cast<int>(threadIdx.x) / kSumColumns;
  const int64_t column = int64_t{blockIdx.x} * kSumColumns + lane;
  float sum = 0;
  if (column < 2 * columns) {
    for (int64_t i = slice; i < count; i += kSumSlices) sum += parts[i * 2 * columns + column];
  }
  shared[threadIdx.x] = sum;
  __syncthreads();
  if (slice != 0 || column >= 2 * columns) return;
  for (int i = 1; i < kSumSlices; ++i) sum += shared[i * kSumColumns + lane];
  (column < columns ? weight[column] : bias[column - columns]) = sum;
}

/// Whole warps, at least kTotals threads.
int threads_for(int64_t columns) {
  return static_cast<int>((columns + 32 * kWidth - 1) / (32 * kWidth)) * 32;
}

}  // namespace

cudaError_t launch_dropout_add_norm(const NormForward& tensors, const NormDropout& dropout,
                                    const NormSizes& sizes, cudaStream_t stream) {
  const int64_t rows = sizes.batch * sizes.rows;
  if (rows == 0) return cudaSuccess;
  const int threads = threads_for(sizes.columns);
  return launch_kernel_with_shared_memory(
      sizes.bfloat16 ? forward_kernel<__nv_bfloat16> : forward_kernel<float>, rows, threads,
      shared_floats(1, threads) * sizeof(float), stream, tensors, mask_of(dropout), sizes);
}

cudaError_t launch_dropout_add_norm_backward(const NormBackward& tensors,
                                             const NormDropout& dropout, const NormSizes& sizes,
                                             cudaStream_t stream) {
  const int64_t sums = sizes.sums(tensors.rows_per_sum);
  if (sums > 0) {
    const int threads = threads_for(sizes.columns);
    const cudaError_t status = launch_kernel_with_shared_memory(
        sizes.bfloat16 ? backward_kernel<__nv_bfloat16> : backward_kernel<float>, sums, threads,
        shared_floats(2, threads) * sizeof(float), stream, tensors, mask_of(dropout), sizes);
    if (status != cudaSuccess) return status;
  }
  constexpr int kThreads = kSumColumns * kSumSlices;
  return launch_kernel_with_shared_memory(
      sum_kernel, blocks_for(2 * sizes.columns, kSumColumns), kThreads, kThreads * sizeof(float),
      stream, tensors.parts, sums, sizes.columns, tensors.weight_grad, tensors.bias_grad);
}

}  // namespace s2i
