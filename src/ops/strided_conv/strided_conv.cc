#include "ops/strided_conv/strided_conv.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "core/error.h"

namespace s2i {
namespace {

// Below this many values a row, a product per block of taps is all overhead: the windows are
// copied.
constexpr int64_t kFewValues = 64;

struct Shape {
  int64_t batch, rows, stride, in, out, kernel;

  Shape(const at::Tensor& x, const at::Tensor& weight, int64_t stride_)
      : batch(x.size(0)),
        rows(x.size(1) / stride_),
        stride(stride_),
        in(x.size(2)),
        out(weight.size(0)),
        kernel(weight.size(2)) {
    S2I_CHECK(x.size(1) == rows * stride && weight.size(1) == in);
  }

  int64_t frames() const { return batch * rows; }
  int64_t row_values() const { return stride * in; }
  /// Blocks of `stride` taps; block j meets the rows j further on.
  int64_t blocks() const { return (kernel + stride - 1) / stride; }
  int64_t block_values(int64_t j) const { return std::min(stride, kernel - j * stride) * in; }
  bool copies_windows() const { return row_values() < kFewValues && blocks() > 1; }
};

/// [Co, K*C] in the type, taps before channels.
at::Tensor tap_major(const at::Tensor& weight, at::ScalarType type) {
  return weight.permute({0, 2, 1}).to(type).contiguous().view({weight.size(0), -1});
}

/// [frames, K*C]: the window of every frame, copied; zeros past the end.
at::Tensor windows(const at::Tensor& x, const Shape& shape) {
  const int64_t beyond = std::max<int64_t>(0, (shape.kernel - shape.stride) * shape.in);
  const at::Tensor flat = at::constant_pad_nd(x.reshape({-1}), {0, beyond});
  return flat.as_strided({shape.frames(), shape.kernel * shape.in}, {shape.row_values(), 1})
      .contiguous();
}

at::Tensor conv_forward(const at::Tensor& x, const at::Tensor& taps, const at::Tensor& bias,
                        const Shape& shape) {
  at::Tensor y;
  if (shape.copies_windows()) {
    const at::Tensor columns = windows(x, shape);
    y = bias.defined() ? at::addmm(bias, columns, taps.t()) : at::mm(columns, taps.t());
  } else {
    const at::Tensor matrix = x.view({shape.frames(), shape.row_values()});
    for (int64_t j = 0; j < shape.blocks(); ++j) {
      const int64_t count = shape.frames() - j;
      if (count <= 0) break;
      const int64_t values = shape.block_values(j);
      const at::Tensor part = matrix.narrow(0, j, count).narrow(1, 0, values);
      const at::Tensor weight = taps.narrow(1, j * shape.row_values(), values).t();
      if (j == 0) {
        y = bias.defined() ? at::addmm(bias, part, weight) : at::mm(part, weight);
      } else {
        y.narrow(0, 0, count).addmm_(part, weight);
      }
    }
  }
  return y.view({shape.batch, shape.rows, shape.out});
}

at::Tensor gradient_of_input(const at::Tensor& grad, const at::Tensor& taps, const Shape& shape) {
  const int64_t first = shape.block_values(0);
  at::Tensor result;
  if (first == shape.row_values()) {
    result = at::mm(grad, taps.narrow(1, 0, first));
  } else {  // a stride beyond the kernel: the values between windows have no gradient
    result = at::zeros({shape.frames(), shape.row_values()}, grad.options());
    result.narrow(1, 0, first).copy_(at::mm(grad, taps.narrow(1, 0, first)));
  }
  for (int64_t j = 1; j < shape.blocks() && j < shape.frames(); ++j) {
    const int64_t count = shape.frames() - j, values = shape.block_values(j);
    result.narrow(0, j, count)
        .narrow(1, 0, values)
        .addmm_(grad.narrow(0, 0, count), taps.narrow(1, j * shape.row_values(), values));
  }
  return result.view({shape.batch, shape.rows * shape.stride, shape.in});
}

/// [Co, C, K] float32
at::Tensor gradient_of_weight(const at::Tensor& grad, const at::Tensor& x, const Shape& shape) {
  at::Tensor result =
      at::zeros({shape.out, shape.kernel * shape.in}, grad.options().dtype(at::kFloat));
  if (shape.copies_windows()) {
    result = at::mm(grad.t(), windows(x, shape));
  } else {
    const at::Tensor matrix = x.view({shape.frames(), shape.row_values()});
    for (int64_t j = 0; j < shape.blocks() && j < shape.frames(); ++j) {
      const int64_t count = shape.frames() - j, values = shape.block_values(j);
      result.narrow(1, j * shape.row_values(), values)
          .copy_(at::mm(grad.narrow(0, 0, count).t(),
                        matrix.narrow(0, j, count).narrow(1, 0, values)));
    }
  }
  return result.view({shape.out, shape.kernel, shape.in})
      .permute({0, 2, 1})
      .to(at::kFloat)
      .contiguous();
}

class StridedConv : public torch::autograd::Function<StridedConv> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            int64_t stride) {
    const Shape shape(x, weight, stride);
    const at::Tensor taps = tap_major(weight, x.scalar_type());
    ctx->save_for_backward({x, weight, taps});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["has_bias"] = bias.has_value();
    return conv_forward(x, taps, bias ? bias->to(x.scalar_type()) : at::Tensor(), shape);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &taps = saved[2];
    const Shape shape(x, weight, ctx->saved_data["stride"].toInt());
    const at::Tensor grad = grads[0].contiguous().view({shape.frames(), shape.out});
    at::Tensor grad_x, grad_weight, grad_bias;
    if (ctx->needs_input_grad(0)) grad_x = gradient_of_input(grad, taps, shape);
    if (ctx->needs_input_grad(1)) grad_weight = gradient_of_weight(grad, x, shape);
    if (ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2))
      grad_bias = grad.sum(0, false, at::kFloat);
    return {grad_x, grad_weight, grad_bias, at::Tensor()};
  }
};

}  // namespace

at::Tensor strided_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        int64_t stride) {
  S2I_CHECK(x.dim() == 3 && x.is_contiguous() && weight.dim() == 3);
  // Functions take a tensor that may be missing as an optional one.
  return StridedConv::apply(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, stride);
}

}  // namespace s2i
