#include "ops/strided_conv/strided_conv.h"

#include <ATen/Functions.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

#include "core/error.h"
#include "ops/operation.h"

namespace s2i {
namespace {

// With fewer values per row, a product per block of taps costs more than copying the windows.
constexpr int64_t kMinRowValues = 64;

struct ConvShape {
  int64_t batch, rows, stride, in, out, kernel;

  ConvShape(const at::Tensor& x, const at::Tensor& weight, int64_t stride_)
      : batch(x.size(0)),
        rows(x.size(1) / stride_),
        stride(stride_),
        in(x.size(2)),
        out(weight.size(0)),
        kernel(weight.size(2)) {
    S2I_CHECK(x.dim() == 3 && x.is_contiguous() && weight.dim() == 3);
    S2I_CHECK(x.size(1) == rows * stride && weight.size(1) == in);
  }

  int64_t frames() const { return batch * rows; }
  int64_t row_values() const { return stride * in; }
  /// Blocks of `stride` taps. Block j multiplies the rows that are j rows below those of block 0.
  int64_t blocks() const { return (kernel + stride - 1) / stride; }
  int64_t block_values(int64_t j) const { return std::min(stride, kernel - j * stride) * in; }
  bool copies_windows() const { return row_values() < kMinRowValues && blocks() > 1; }
};

/// weight [Co,C,K] -> [Co,K*C] in this type.
at::Tensor tap_major(const at::Tensor& weight, at::ScalarType type) {
  return weight.permute({0, 2, 1}).to(type).contiguous().view({weight.size(0), -1});
}

/// [frames, K*C]: a copy of the window of every frame, with zeros past the end.
at::Tensor windows(const at::Tensor& x, const ConvShape& shape) {
  const int64_t beyond = std::max<int64_t>(0, (shape.kernel - shape.stride) * shape.in);
  const at::Tensor flat = at::constant_pad_nd(x.reshape({-1}), {0, beyond});
  return flat.as_strided({shape.frames(), shape.kernel * shape.in}, {shape.row_values(), 1})
      .contiguous();
}

at::Tensor convolve(const at::Tensor& x, const at::Tensor& taps, const at::Tensor& bias,
                    const ConvShape& shape) {
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

at::Tensor gradient_of_input(const at::Tensor& grad, const at::Tensor& taps,
                             const ConvShape& shape) {
  const int64_t first = shape.block_values(0);
  at::Tensor result;
  if (first == shape.row_values()) {
    result = at::mm(grad, taps.narrow(1, 0, first));
  } else {  // the stride is longer than the kernel: values between windows have no gradient
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

/// [Co,C,K] in this type
at::Tensor gradient_of_weight(const at::Tensor& grad, const at::Tensor& x, const ConvShape& shape,
                              at::ScalarType type) {
  at::Tensor result = at::zeros({shape.out, shape.kernel * shape.in}, grad.options().dtype(type));
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
  return result.view({shape.out, shape.kernel, shape.in}).permute({0, 2, 1}).to(type).contiguous();
}

at::Tensor strided_conv_kernel(const at::Tensor& x, const at::Tensor& weight,
                               const std::optional<at::Tensor>& bias, int64_t stride) {
  const at::ScalarType type = x.scalar_type();
  return convolve(x, tap_major(weight, type), bias ? bias->to(type) : at::Tensor(),
                  ConvShape(x, weight, stride));
}

/// The gradients of x, weight and bias; undefined where `wanted` is false.
std::tuple<at::Tensor, at::Tensor, at::Tensor> strided_conv_backward_kernel(
    const at::Tensor& output_grad, const at::Tensor& x, const at::Tensor& weight, int64_t stride,
    std::array<bool, 3> wanted) {
  const ConvShape shape(x, weight, stride);
  const at::Tensor grad = output_grad.contiguous().view({shape.frames(), shape.out});
  at::Tensor grad_x, grad_weight, grad_bias;
  if (wanted[0]) grad_x = gradient_of_input(grad, tap_major(weight, x.scalar_type()), shape);
  if (wanted[1]) grad_weight = gradient_of_weight(grad, x, shape, weight.scalar_type());
  if (wanted[2]) grad_bias = grad.sum(0, false, weight.scalar_type());
  return {grad_x, grad_weight, grad_bias};
}

at::Tensor call_strided_conv(const at::Tensor& x, const at::Tensor& weight,
                             const std::optional<at::Tensor>& bias, int64_t stride) {
  static const auto operation = find_operation<decltype(strided_conv_kernel)>("s2i::strided_conv");
  return operation.call(x, weight, bias, stride);
}

class StridedConv : public torch::autograd::Function<StridedConv> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            int64_t stride) {
    ctx->save_for_backward({x, weight});
    ctx->saved_data["stride"] = stride;
    ctx->saved_data["has_bias"] = bias.has_value();
    const at::AutoDispatchBelowADInplaceOrView below_autograd;
    return call_strided_conv(x, weight, bias, stride);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    static const auto operation =
        find_operation<decltype(strided_conv_backward_kernel)>("s2i::strided_conv_backward");
    const auto saved = ctx->get_saved_variables();
    const bool bias = ctx->saved_data["has_bias"].toBool() && ctx->needs_input_grad(2);
    const auto [x, weight, b] =
        operation.call(grads[0], saved[0], saved[1], ctx->saved_data["stride"].toInt(),
                       {ctx->needs_input_grad(0), ctx->needs_input_grad(1), bias});
    return {x, weight, b, at::Tensor()};
  }
};

at::Tensor strided_conv_autograd(const at::Tensor& x, const at::Tensor& weight,
                                 const std::optional<at::Tensor>& bias, int64_t stride) {
  return StridedConv::apply(x, weight, bias, stride);
}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def("strided_conv(Tensor x, Tensor weight, Tensor? bias, int stride) -> Tensor");
  library.def(
      "strided_conv_backward(Tensor grad, Tensor x, Tensor weight, int stride, bool[3] output_mask)"
      " -> (Tensor, Tensor, Tensor)");
}
// LibTorch calls, correct on every device and on meta tensors.
TORCH_LIBRARY_IMPL(s2i, CompositeExplicitAutograd, library) {
  library.impl("strided_conv", &strided_conv_kernel);
  library.impl("strided_conv_backward", &strided_conv_backward_kernel);
}
TORCH_LIBRARY_IMPL(s2i, Autograd, library) { library.impl("strided_conv", &strided_conv_autograd); }

}  // namespace

at::Tensor strided_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                        int64_t stride) {
  return call_strided_conv(x, weight, bias.defined() ? std::optional(bias) : std::nullopt, stride);
}

}  // namespace s2i
