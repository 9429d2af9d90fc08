// Dropout, residual addition and layer norm on a GPU, over plain pointers.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace s2i {

/// Contiguous activations [batch,rows,columns], columns from 1 to 4096, and what is dropped of
/// them. bfloat16: the type of x, `typed` and their gradients is bfloat16, else float32.
struct NormSizes {
  int64_t batch, rows, columns;
  bool bfloat16;

  /// Blocks of `rows_per_sum` rows, each of which has a partial sum.
  int64_t sums(int64_t rows_per_sum) const {
    return (batch * rows + rows_per_sum - 1) / rows_per_sum;
  }
};

struct NormDropout {
  const int64_t* keys;  ///< [batch]; null: no dropout
  int64_t site;
  double p;
};

/// The arguments of dropout_add_norm() and its results. `typed` may be null.
struct NormForward {
  const void* x;
  const float *residual, *weight, *bias;
  float epsilon;
  float *sum, *normalized;
  void* typed;
  float* statistics;  ///< [batch,rows,2]
};

/// The gradients of the results, null where there is none, and those of the arguments. `x` may be
/// null.
struct NormBackward {
  const float *grad_sum, *grad_normalized;
  const void* grad_typed;
  const float *sum, *statistics, *weight;
  void* x;
  float *residual, *weight_grad, *bias_grad;
  float* parts;  ///< memory for [sums(rows_per_sum),2,columns]
  int64_t rows_per_sum;
};

/// These launch on the stream and return the status of the launch. No atomic additions: the same
/// bits in every run.
cudaError_t launch_dropout_add_norm(const NormForward& tensors, const NormDropout& dropout,
                                    const NormSizes& sizes, cudaStream_t stream);
cudaError_t launch_dropout_add_norm_backward(const NormBackward& tensors,
                                             const NormDropout& dropout, const NormSizes& sizes,
                                             cudaStream_t stream);

}  // namespace s2i
