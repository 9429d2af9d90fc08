#include "nn/feature_encoder.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <string>

#include "ops/conv_groupnorm/conv_groupnorm.h"
#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"
#include "ops/strided_conv/strided_conv.h"

namespace s2i {
namespace {

constexpr double kNormEpsilon = 1e-5;  // of the norms between convolutions; not configurable

/// Rows that each utterance gets at the encoder's output, so that at every layer below its rows
/// (a multiple of these by the strides) hold every window that ends in a frame.
int64_t output_rows(const EncoderConfig& config, int64_t samples) {
  const size_t layers = config.conv_dim.size();
  int64_t rows = config.frames(samples);
  int64_t stride = 1, needed = rows;
  for (size_t i = layers; i-- > 0;) {
    needed = (needed - 1) * config.conv_stride[i] + config.conv_kernel[i];
    stride *= config.conv_stride[i];
    // GroupNorm's statistics run over all frames of the first layer, used further up or not.
    if (i == 1) needed = std::max(needed, config.frames_after(samples, 1));
    rows = std::max(rows, (needed + stride - 1) / stride);
  }
  return rows;
}

}  // namespace

FeatureEncoder::FeatureEncoder(const EncoderConfig& config, ParameterList& parameters,
                               const std::string& name)
    : activation_(activation_of(config.feat_extract_activation, "feat_extract_activation")),
      strides_(config.conv_stride),
      group_norm_(config.feat_extract_norm == "group") {
  for (size_t i = 0; i < config.conv_dim.size(); ++i) {
    const std::string layer_name = name + ".conv_layers." + std::to_string(i);
    const int64_t out = config.conv_dim[i], in = i == 0 ? 1 : config.conv_dim[i - 1];
    Layer layer;
    layer.weight = parameters.add(layer_name + ".conv.weight", {out, in, config.conv_kernel[i]});
    if (config.conv_bias) layer.bias = parameters.add(layer_name + ".conv.bias", {out});
    if (!group_norm_ || i == 0) {
      layer.norm_weight = parameters.add(layer_name + ".layer_norm.weight", {out});
      layer.norm_bias = parameters.add(layer_name + ".layer_norm.bias", {out});
    }
    layers_.push_back(std::move(layer));
  }
}

at::Tensor FeatureEncoder::forward(const at::Tensor& audio, const ForwardPass& pass) const {
  const EncoderConfig& config = pass.config;
  int64_t rows = output_rows(config, audio.size(1));
  for (const int64_t stride : config.conv_stride) rows *= stride;
  const int64_t columns = std::min(rows, audio.size(1));
  const at::Tensor padded = at::constant_pad_nd(audio.narrow(1, 0, columns), {0, rows - columns});
  at::Tensor x = group_norm_ ? first_layer(padded, pass) : next_layer(0, padded.unsqueeze(2), pass);
  for (size_t i = 1; i < layers_.size(); ++i) x = next_layer(i, x, pass);
  return x.narrow(1, 0, pass.max_frames);
}

// GroupNorm has a group a channel: each channel of an utterance over its frames. Frames that are
// padding get the same scale and shift but have no say in them, unless padding counts as audio.
at::Tensor FeatureEncoder::first_layer(const at::Tensor& audio, const ForwardPass& pass) const {
  const Layer& layer = layers_[0];
  std::vector<int64_t> frames;
  frames.reserve(pass.samples.size());
  for (const int64_t samples : pass.samples) {
    frames.push_back(
        pass.config.frames_after(pass.options.masked ? samples : pass.padded_samples, 1));
  }
  const ConvGroupNorm conv{layer.weight,    layer.bias,  layer.norm_weight,
                           layer.norm_bias, strides_[0], kNormEpsilon};
  if (activation_ == Activation::kGelu) {
    return conv_groupnorm_gelu(audio, conv, frames, pass.type());
  }
  return activate(activation_, conv_groupnorm(audio, conv, frames).to(pass.type()));
}

at::Tensor FeatureEncoder::next_layer(size_t index, const at::Tensor& input,
                                      const ForwardPass& pass) const {
  const Layer& layer = layers_[index];
  // Layer 0 reads samples, in float32 whatever the pass's type.
  at::Tensor x = strided_conv(input, layer.weight, layer.bias, strides_[index]);
  if (!group_norm_) {
    x = layer_norm(x, layer.norm_weight, layer.norm_bias, kNormEpsilon);
  }
  return activate(activation_, x.to(pass.type()));
}

}  // namespace s2i
