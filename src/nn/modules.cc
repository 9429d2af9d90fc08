#include "nn/modules.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/error.h"

namespace s2i {

Linear::Linear(ParameterList& parameters, const std::string& name, int64_t in, int64_t out)
    : weight(parameters.add_cast(name + ".weight", {out, in})),
      bias(parameters.add_cast(name + ".bias", {out})) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return at::linear(x, weight.in(x.scalar_type()), bias.in(x.scalar_type()));
}

at::Tensor layer_norm(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                      double epsilon) {
  const auto size = {weight.size(0)};
  // LibTorch's CPU kernel takes bfloat16 values with float32 weights, its CUDA kernel refuses.
  if (x.is_cpu() || x.scalar_type() == weight.scalar_type()) {
    return at::layer_norm(x, size, weight, bias, epsilon);
  }
  return at::layer_norm(x.to(weight.scalar_type()), size, weight, bias, epsilon)
      .to(x.scalar_type());
}

LayerNorm::LayerNorm(ParameterList& parameters, const std::string& name, int64_t size,
                     double epsilon_)
    : weight(parameters.add(name + ".weight", {size})),
      bias(parameters.add(name + ".bias", {size})),
      epsilon(epsilon_) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return layer_norm(x, weight, bias, epsilon);
}

NormalizedSum LayerNorm::of_sum(const at::Tensor& x, const at::Tensor& residual,
                                const OutputDropout& dropout) const {
  return dropout_add_norm(x, residual, dropout, weight, bias, epsilon);
}

at::Tensor activate(Activation activation, const at::Tensor& x) {
  switch (activation) {
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kQuickGelu:
      return x * at::sigmoid(1.702 * x);
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kSelu:
      return at::selu(x);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kMish:
      return at::mish(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kSigmoid:
      return at::sigmoid(x);
    case Activation::kLinear:
      return x;
  }
  S2I_CHECK(false, "activation {}", static_cast<int>(activation));
  return x;
}

}  // namespace s2i
