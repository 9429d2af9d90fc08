#include "model/feature_encoder.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <string>

#include "kernels/strided_conv.h"

namespace s2i {
namespace {

constexpr double kNormEpsilon = 1e-5;  // of the norms between convolutions; not configurable

/// Rows that each utterance gets at the encoder's output, so that at every layer below its rows
/// (a multiple of these by the strides) hold every window that ends in a frame.
int64_t output_rows(const WavLMConfig& config, int64_t samples) {
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

FeatureEncoder::FeatureEncoder(const WavLMConfig& config, ParameterList& parameters)
    : activation_(activation_of(config.feat_extract_activation)),
      group_norm_(config.feat_extract_norm == "group") {
  for (size_t i = 0; i < config.conv_dim.size(); ++i) {
    const std::string name = "wavlm.feature_extractor.conv_layers." + std::to_string(i);
    const int64_t out = config.conv_dim[i], in = i == 0 ? 1 : config.conv_dim[i - 1];
    Layer layer;
    layer.weight = parameters.add(name + ".conv.weight", {out, in, config.conv_kernel[i]});
    if (config.conv_bias) layer.bias = parameters.add(name + ".conv.bias", {out});
    if (!group_norm_ || i == 0) {
      layer.norm_weight = parameters.add(name + ".layer_norm.weight", {out});
      layer.norm_bias = parameters.add(name + ".layer_norm.bias", {out});
    }
    layers_.push_back(std::move(layer));
  }
}

at::Tensor FeatureEncoder::forward(const at::Tensor& audio, const ForwardPass& pass) const {
  const WavLMConfig& config = pass.config;
  int64_t rows = output_rows(config, audio.size(1));
  for (const int64_t stride : config.conv_stride) rows *= stride;
  const int64_t columns = std::min(rows, audio.size(1));
  at::Tensor x = at::constant_pad_nd(audio.narrow(1, 0, columns), {0, rows - columns}).unsqueeze(2);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    // The first convolution reads samples, in float32 whatever the pass's type.
    x = strided_conv(x, layer.weight, layer.bias, config.conv_stride[i]);
    if (group_norm_) {
      if (i == 0) x = group_norm(x, layer, pass);
    } else {
      x = at::layer_norm(x, {x.size(2)}, layer.norm_weight, layer.norm_bias, kNormEpsilon);
    }
    if (i == 0) x = x.to(pass.type());
    x = activate(activation_, x);
  }
  return x.narrow(1, 0, pass.max_frames);
}

// GroupNorm with a group a channel: each channel of an utterance over its frames. Frames that are
// padding get the same scale and shift but have no say in them, unless padding counts as audio.
at::Tensor FeatureEncoder::group_norm(const at::Tensor& x, const Layer& layer,
                                      const ForwardPass& pass) const {
  std::vector<at::Tensor> means, scales;
  for (int64_t b = 0; b < pass.batch(); ++b) {
    const int64_t samples = pass.options.masked ? pass.samples[b] : pass.padded_samples;
    const at::Tensor valid = x.select(0, b).narrow(0, 0, pass.config.frames_after(samples, 1));
    const auto [variance, mean] = at::var_mean(valid, at::OptionalIntArrayRef({0}), 0, false);
    means.push_back(mean);
    scales.push_back(at::rsqrt(variance + kNormEpsilon));
  }
  const at::Tensor scale = at::stack(scales) * layer.norm_weight;       // [B,C]
  const at::Tensor shift = layer.norm_bias - at::stack(means) * scale;  // [B,C]
  return x * scale.unsqueeze(1) + shift.unsqueeze(1);
}

}  // namespace s2i
