#include "nn/positional_conv.h"

#include <ATen/Functions.h>

#include "nn/modules.h"

namespace s2i {

at::Tensor positional_conv(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                           int64_t groups, Activation activation) {
  const int64_t kernel = weight.size(2);
  at::Tensor y = at::conv1d(x.transpose(1, 2), weight, bias, 1, kernel / 2, 1, groups);
  // An even kernel padded by half on both sides gives one frame too many.
  y = y.narrow(2, 0, x.size(1));
  return activate(activation, y).transpose(1, 2);
}

WeightNormConv::WeightNormConv(const EncoderConfig& config, ParameterList& parameters,
                               const std::string& name)
    : groups_(config.num_conv_pos_embedding_groups),
      activation_(activation_of(config.feat_extract_activation, "feat_extract_activation")) {
  const int64_t width = config.hidden_size, kernel = config.num_conv_pos_embeddings;
  norm_ = parameters.add(name + ".conv.parametrizations.weight.original0", {1, 1, kernel});
  direction_ = parameters.add(name + ".conv.parametrizations.weight.original1",
                              {width, width / groups_, kernel});
  bias_ = parameters.add(name + ".conv.bias", {width});
}

at::Tensor WeightNormConv::forward(const at::Tensor& hidden, const ForwardPass& pass) const {
  const at::Tensor x = hidden.to(pass.type());
  const at::Tensor weight = at::_weight_norm(direction_, norm_, 2).to(x.scalar_type());
  return positional_conv(x, weight, bias_.to(x.scalar_type()), groups_, activation_);
}

}  // namespace s2i
