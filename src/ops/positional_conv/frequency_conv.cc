#include "ops/positional_conv/frequency_conv.h"

#include <ATen/Functions.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

namespace s2i {
namespace {

// LibTorch's C++ libraries have neither transforms nor flips of meta tensors; its Python package
// does.

/// Reversed in the last dimension.
at::Tensor reversed(const at::Tensor& tensor) {
  return tensor.is_meta() ? at::empty(tensor.sizes(), tensor.options()) : tensor.flip({2});
}

/// Over the last dimension: [...,n] float32 -> [...,length/2 + 1] complex64
at::Tensor forward_transform(const at::Tensor& signal, int64_t length) {
  if (!signal.is_meta()) return at::fft_rfft(signal, length);
  std::vector<int64_t> sizes = signal.sizes().vec();
  sizes.back() = length / 2 + 1;
  return at::empty(sizes, signal.options().dtype(at::kComplexFloat));
}

/// [...,length/2 + 1] complex64 -> [...,length] float32
at::Tensor inverse_transform(const at::Tensor& spectrum, int64_t length) {
  if (!spectrum.is_meta()) return at::fft_irfft(spectrum, length);
  std::vector<int64_t> sizes = spectrum.sizes().vec();
  sizes.back() = length;
  return at::empty(sizes, spectrum.options().dtype(at::kFloat));
}

/// Output t sums weight[k] x[t + k - taps/2]. As a cyclic convolution of `length` points the taps
/// run backward from taps/2: [C,Cg,K] -> [C,Cg,length].
at::Tensor cyclic_taps(const at::Tensor& weight, int64_t length) {
  const int64_t taps = weight.size(2), half = taps / 2;
  const int64_t first = std::min(half + 1, taps);
  const at::Tensor zeros =
      at::zeros({weight.size(0), weight.size(1), length - taps}, weight.options());
  return at::cat({reversed(weight.narrow(2, 0, first)), zeros,
                  reversed(weight.narrow(2, first, taps - first))},
                 2);
}

/// The inverse: picks the taps out of [C,Cg,length].
at::Tensor taps_of_cyclic(const at::Tensor& cyclic, int64_t taps) {
  const int64_t first = std::min(taps / 2 + 1, taps), rest = taps - first;
  return at::cat({reversed(cyclic.narrow(2, 0, first)),
                  reversed(cyclic.narrow(2, cyclic.size(2) - rest, rest))},
                 2);
}

/// [B,T,C] -> [F*G,B,C/G] complex64, F = length/2 + 1 frequencies
at::Tensor spectrum_by_group(const at::Tensor& x, int64_t groups, int64_t length) {
  const int64_t batch = x.size(0), width = x.size(2) / groups;
  const at::Tensor spectrum = forward_transform(x.to(at::kFloat).transpose(1, 2), length);
  return spectrum.view({batch, groups, width, -1})
      .permute({3, 1, 0, 2})
      .reshape({-1, batch, width});
}

/// [F*G,B,Co/G] -> the first `frames` of [B,length,Co] float32
at::Tensor signal_of_groups(const at::Tensor& products, int64_t groups, int64_t length,
                            int64_t frames) {
  const int64_t batch = products.size(1), width = products.size(2);
  const at::Tensor spectrum = products.view({-1, groups, batch, width})
                                  .permute({2, 1, 3, 0})
                                  .reshape({batch, groups * width, -1});
  return inverse_transform(spectrum, length).narrow(2, 0, frames).transpose(1, 2);
}

/// [Co,Cg,K] -> [F*G,Cg,Co/G] complex64
at::Tensor weight_spectrum(const at::Tensor& weight, int64_t groups, int64_t length) {
  const int64_t in = weight.size(1), out = weight.size(0) / groups;
  const at::Tensor spectrum = forward_transform(cyclic_taps(weight, length), length);
  return spectrum.view({groups, out, in, -1}).permute({3, 0, 2, 1}).reshape({-1, in, out});
}

class FrequencyConv : public torch::autograd::Function<FrequencyConv> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& weight, int64_t groups) {
    const int64_t frames = x.size(1), taps = weight.size(2);
    const int64_t length = fft_length(frames, taps);
    const at::Tensor inputs = spectrum_by_group(x, groups, length);
    const at::Tensor weights = weight_spectrum(weight, groups, length);
    ctx->save_for_backward({inputs, weights});
    ctx->saved_data["groups"] = groups;
    ctx->saved_data["length"] = length;
    ctx->saved_data["taps"] = taps;
    ctx->saved_data["type"] = static_cast<int64_t>(x.scalar_type());
    return signal_of_groups(at::bmm(inputs, weights), groups, length, frames);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor& inputs = saved[0];
    const at::Tensor& weights = saved[1];
    const int64_t groups = ctx->saved_data["groups"].toInt();
    const int64_t length = ctx->saved_data["length"].toInt();
    const at::Tensor outputs = spectrum_by_group(grads[0], groups, length);
    at::Tensor x_grad, weight_grad;
    if (ctx->needs_input_grad(0)) {
      const at::Tensor products = at::bmm(outputs, weights.conj().transpose(1, 2));
      x_grad = signal_of_groups(products, groups, length, grads[0].size(1))
                   .to(static_cast<at::ScalarType>(ctx->saved_data["type"].toInt()));
    }
    if (ctx->needs_input_grad(1)) {
      const int64_t in = weights.size(1), out = weights.size(2);
      const at::Tensor products = at::bmm(inputs.conj().transpose(1, 2), outputs);
      const at::Tensor spectrum = products.view({-1, groups, in, out})
                                      .permute({1, 3, 2, 0})
                                      .reshape({groups * out, in, -1});
      weight_grad =
          taps_of_cyclic(inverse_transform(spectrum, length), ctx->saved_data["taps"].toInt());
    }
    return {x_grad, weight_grad, at::Tensor()};
  }
};

}  // namespace

int64_t fft_length(int64_t frames, int64_t taps) {
  const auto is_smooth = [](int64_t value) {
    for (const int64_t factor : {2, 3, 5}) {
      while (value % factor == 0) value /= factor;
    }
    return value == 1;
  };
  int64_t length = std::max(frames + taps / 2, taps);
  length += length % 2;
  while (!is_smooth(length)) length += 2;
  return length;
}

at::Tensor frequency_conv(const at::Tensor& x, const at::Tensor& weight, int64_t groups) {
  return FrequencyConv::apply(x, weight, groups);
}

}  // namespace s2i
