#include "nn/positional_conv.h"

#include <ATen/Functions.h>

#include "nn/modules.h"
#include "ops/positional_conv/positional_conv.h"

namespace s2i {

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
  const at::Tensor weight = at::_weight_norm(direction_, norm_, 2);
  return activate(activation_, positional_conv(x, weight, bias_, groups_));
}

}  // namespace s2i
