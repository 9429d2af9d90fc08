#include "encoders/hubert/batch_norm_conv.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "nn/modules.h"
#include "ops/positional_conv/positional_conv.h"

namespace s2i {
namespace {

constexpr double kEpsilon = 1e-5;  // the default of torch.nn.BatchNorm1d

}  // namespace

BatchNormConv::BatchNormConv(const EncoderConfig& config, ParameterList& parameters,
                             const std::string& name)
    : groups_(config.num_conv_pos_embedding_groups),
      activation_(activation_of(config.feat_extract_activation, "feat_extract_activation")) {
  const int64_t width = config.hidden_size;
  const std::string norm = name + ".batch_norm";
  norm_weight_ = parameters.add(norm + ".weight", {width});
  norm_bias_ = parameters.add(norm + ".bias", {width});
  mean_ = parameters.add_buffer(norm + ".running_mean", at::zeros({width}));
  variance_ = parameters.add_buffer(norm + ".running_var", at::ones({width}));
  // Saved by PyTorch; only the training of the statistics uses it.
  parameters.add_buffer(norm + ".num_batches_tracked", at::zeros({}, at::kLong));
  weight_ = parameters.add(name + ".conv.weight",
                           {width, width / groups_, config.num_conv_pos_embeddings});
  bias_ = parameters.add(name + ".conv.bias", {width});
}

at::Tensor BatchNormConv::forward(const at::Tensor& hidden, const ForwardPass& pass) const {
  at::Tensor x = (hidden - mean_) * (at::rsqrt(variance_ + kEpsilon) * norm_weight_) + norm_bias_;
  if (pass.options.masked && pass.frame_mask.defined()) {
    x = x.masked_fill(pass.frame_mask.logical_not(), 0);
  }
  x = x.to(pass.type());
  return activate(activation_, positional_conv(x, weight_, bias_, groups_));
}

}  // namespace s2i
