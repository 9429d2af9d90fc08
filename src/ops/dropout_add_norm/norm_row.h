// One row of dropout_add_norm() on the CPU, vectorized. uint16_t holds bfloat16.
#pragma once

#include <cstdint>

namespace s2i {

/// bits: as dropout_row_bits() writes them (ops/dropout/dropout_row.h); null: no dropout.
struct RowDropout {
  const uint16_t* bits = nullptr;
  uint32_t threshold = 0;
  float scale = 1;
};

struct RowNorm {
  int64_t columns;
  const float* weight;  ///< [columns]
  const float* bias;    ///< [columns]; unused in the backward pass
  float epsilon;        ///< unused in the backward pass
};

struct RowStatistics {
  float mean;
  float inverse;  ///< 1 / standard deviation
};

/// Where a row is written.
struct RowOutputs {
  float* sum;
  float* normalized;
  uint16_t* typed;  ///< null: nowhere
};

RowStatistics add_norm_row(const float* x, const float* residual, const RowDropout& dropout,
                           const RowNorm& norm, const RowOutputs& out);
RowStatistics add_norm_row(const uint16_t* x, const float* residual, const RowDropout& dropout,
                           const RowNorm& norm, const RowOutputs& out);

/// The gradients of a row's outputs; null where nothing depends on the output.
struct RowOutputGradients {
  const float* sum;
  const float* normalized;
  const uint16_t* typed;
};

/// Writes the gradients of residual and x (null: nowhere). Adds to parameter_sums [2,columns] the
/// gradients of weight and bias.
void add_norm_row_backward(const RowOutputGradients& grads, const float* sum,
                           const RowStatistics& statistics, const RowDropout& dropout,
                           const RowNorm& norm, float* residual_grad, float* x_grad,
                           float* parameter_sums);
void add_norm_row_backward(const RowOutputGradients& grads, const float* sum,
                           const RowStatistics& statistics, const RowDropout& dropout,
                           const RowNorm& norm, float* residual_grad, uint16_t* x_grad,
                           float* parameter_sums);

}  // namespace s2i
