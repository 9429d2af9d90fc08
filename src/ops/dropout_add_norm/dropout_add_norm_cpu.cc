#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "ops/dropout/dropout_bits.h"
#include "ops/dropout/dropout_row.h"
#include "ops/dropout_add_norm/norm_row.h"
#include "ops/dropout_add_norm/norm_tensors.h"

namespace s2i {
namespace {

constexpr int64_t kElementsPerTask = 16384;

/// Rows of activations [B,T,D].
struct Extent {
  int64_t rows_per_utterance, columns, rows;

  explicit Extent(const at::Tensor& x)
      : rows_per_utterance(x.size(1)), columns(x.size(2)), rows(x.size(0) * x.size(1)) {}
};

/// Draws the bits of one row after the other. For one thread.
class RowBits {
 public:
  RowBits(const Extent& extent, const std::optional<at::Tensor>& keys, int64_t site, double p)
      : extent_(extent), site_(static_cast<uint64_t>(site)) {
    if (!keys) return;
    keys_ = keys->const_data_ptr<int64_t>();
    bits_.resize(static_cast<size_t>(dropout_bits_size(extent.columns)));
    dropout_.bits = bits_.data();
    dropout_.threshold = dropout_threshold(p);
    dropout_.scale = dropout_scale(dropout_.threshold);
  }

  const RowDropout& of_row(int64_t row) {
    if (keys_ != nullptr) {
      const int64_t b = row / extent_.rows_per_utterance, t = row % extent_.rows_per_utterance;
      const uint64_t key = dropout_key(static_cast<uint64_t>(keys_[b]), site_);
      dropout_row_bits(key, dropout_row_number(0, static_cast<uint64_t>(t)), extent_.columns,
                       bits_.data());
    }
    return dropout_;
  }

 private:
  Extent extent_;
  uint64_t site_;
  const int64_t* keys_ = nullptr;
  std::vector<uint16_t> bits_;
  RowDropout dropout_;
};

/// The data of a row; null for a tensor that is undefined or empty.
template <typename T>
T* row_of(const at::Tensor& tensor, int64_t offset) {
  if (!tensor.defined() || tensor.numel() == 0) return nullptr;
  return static_cast<T*>(tensor.data_ptr()) + offset;
}

DropoutAddNormResult dropout_add_norm_cpu(const at::Tensor& x_, const at::Tensor& residual_,
                                          const std::optional<at::Tensor>& keys, int64_t site,
                                          double p, const at::Tensor& weight_,
                                          const at::Tensor& bias_, double epsilon) {
  const auto out = dropout_add_norm_outputs(x_, residual_, keys, p, weight_, bias_);
  const at::Tensor x = x_.contiguous(), residual = residual_.contiguous();
  const at::Tensor weight = weight_.contiguous(), bias = bias_.contiguous();
  const bool is_float = x.scalar_type() == at::kFloat;
  const Extent extent(x);
  const RowNorm norm{extent.columns, weight.const_data_ptr<float>(), bias.const_data_ptr<float>(),
                     static_cast<float>(epsilon)};
  float* statistics = out.statistics.mutable_data_ptr<float>();
  const int64_t grain = std::max<int64_t>(1, kElementsPerTask / extent.columns);
  at::parallel_for(0, extent.rows, grain, [&](int64_t begin, int64_t end) {
    RowBits bits(extent, keys, site, p);
    for (int64_t row = begin; row < end; ++row) {
      const int64_t offset = row * extent.columns;
      const RowDropout& dropout = bits.of_row(row);
      const float* from = residual.const_data_ptr<float>() + offset;
      const RowOutputs to{row_of<float>(out.sum, offset), row_of<float>(out.normalized, offset),
                          row_of<uint16_t>(out.typed, offset)};
      const RowStatistics result =
          is_float ? add_norm_row(row_of<const float>(x, offset), from, dropout, norm, to)
                   : add_norm_row(row_of<const uint16_t>(x, offset), from, dropout, norm, to);
      statistics[2 * row] = result.mean;
      statistics[2 * row + 1] = result.inverse;
    }
  });
  return {out.sum, out.normalized, out.typed, out.statistics};
}

/// weight and bias from parts [parts,2,D], summed in their order.
void sum_parts(const std::vector<float>& parts, const DropoutAddNormGradients& grads) {
  const int64_t columns = grads.weight.numel();
  std::vector<double> total(static_cast<size_t>(2 * columns), 0);
  for (size_t i = 0; i < parts.size(); i += total.size()) {
    for (size_t k = 0; k < total.size(); ++k) total[k] += parts[i + k];
  }
  std::copy_n(total.begin(), columns, grads.weight.mutable_data_ptr<float>());
  std::copy_n(total.begin() + columns, columns, grads.bias.mutable_data_ptr<float>());
}

DropoutAddNormResult dropout_add_norm_backward_cpu(
    const std::optional<at::Tensor>& grad_sum_, const std::optional<at::Tensor>& grad_normalized_,
    const std::optional<at::Tensor>& grad_typed_, const at::Tensor& sum,
    const at::Tensor& statistics, const std::optional<at::Tensor>& keys, int64_t site, double p,
    const at::Tensor& weight_, at::ScalarType type) {
  const auto grads = dropout_add_norm_gradients(sum, weight_, p, type);
  const at::Tensor grad_sum = contiguous_gradient(grad_sum_, at::kFloat);
  const at::Tensor grad_normalized = contiguous_gradient(grad_normalized_, at::kFloat);
  const at::Tensor grad_typed = contiguous_gradient(grad_typed_, at::kBFloat16);
  const at::Tensor weight = weight_.contiguous();
  const Extent extent(sum);
  const RowNorm norm{extent.columns, weight.const_data_ptr<float>(), nullptr, 0};
  const int64_t count = (extent.rows + kRowsPerNormSum - 1) / kRowsPerNormSum;
  std::vector<float> parts(static_cast<size_t>(count * 2 * extent.columns), 0);
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    RowBits bits(extent, keys, site, p);
    const int64_t last = std::min(end * kRowsPerNormSum, extent.rows);
    for (int64_t row = begin * kRowsPerNormSum; row < last; ++row) {
      const int64_t offset = row * extent.columns;
      const RowOutputGradients from{row_of<const float>(grad_sum, offset),
                                    row_of<const float>(grad_normalized, offset),
                                    row_of<const uint16_t>(grad_typed, offset)};
      const float* numbers = statistics.const_data_ptr<float>() + 2 * row;
      const auto backward = [&](auto* x_grad) {
        add_norm_row_backward(from, sum.const_data_ptr<float>() + offset, {numbers[0], numbers[1]},
                              bits.of_row(row), norm, row_of<float>(grads.residual, offset), x_grad,
                              parts.data() + row / kRowsPerNormSum * 2 * extent.columns);
      };
      if (type == at::kFloat) {
        backward(row_of<float>(grads.x, offset));
      } else {
        backward(row_of<uint16_t>(grads.x, offset));
      }
    }
  });
  sum_parts(parts, grads);
  return {grads.x, grads.residual, grads.weight, grads.bias};
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) {
  library.impl("dropout_add_norm", &dropout_add_norm_cpu);
  library.impl("dropout_add_norm_backward", &dropout_add_norm_backward_cpu);
}

}  // namespace
}  // namespace s2i
