#include "nn/initialization.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <map>
#include <numbers>
#include <span>
#include <string_view>

#include "core/checksum.h"
#include "core/random.h"

namespace s2i {
namespace {

constexpr std::string_view kConvLayers = "feature_extractor.conv_layers.";

RandomStream stream_of(const std::string& name, uint64_t seed) {
  return RandomStream(
      derive_key(seed, RandomPurpose::kInitialWeights, checksum(std::as_bytes(std::span(name)))));
}

at::Tensor uniform(at::IntArrayRef shape, double low, double high, RandomStream random) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* value = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    value[i] = static_cast<float>(low + (high - low) * random.uniform());
  }
  return tensor;
}

/// Box-Muller: two normal values from two uniform ones.
at::Tensor normal(at::IntArrayRef shape, double deviation, RandomStream random) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  float* value = tensor.mutable_data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); i += 2) {
    const double radius = deviation * std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    value[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < tensor.numel()) value[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  return tensor;
}

}  // namespace

int64_t conv_fan_in(const std::string& name, const EncoderConfig& config) {
  const size_t layer = std::stoul(name.substr(kConvLayers.size()));
  const int64_t in = layer == 0 ? 1 : config.conv_dim[layer - 1];  // layer 0 reads one channel
  return in * config.conv_kernel[layer];
}

Distribution default_initial_values(const std::string& name, const EncoderConfig& config) {
  const bool bias = name.ends_with(".bias");
  if (name.find("layer_norm") != std::string::npos) return Distribution::constant(bias ? 0 : 1);
  if (name.starts_with(kConvLayers)) {
    const auto fan_in = static_cast<double>(conv_fan_in(name, config));
    if (bias) return Distribution::uniform(-1 / std::sqrt(fan_in), 1 / std::sqrt(fan_in));
    return Distribution::normal(std::sqrt(2 / fan_in));
  }
  if (name.starts_with("feature_projection.projection")) {
    const double limit = 1 / std::sqrt(static_cast<double>(config.conv_dim.back()));
    return Distribution::uniform(-limit, limit);
  }
  if (name == "masked_spec_embed") return Distribution::uniform(0, 1);
  if (name.ends_with("weight.original1")) {
    const double values = static_cast<double>(config.num_conv_pos_embeddings * config.hidden_size);
    return Distribution::normal(2 / std::sqrt(values));
  }
  return bias ? Distribution::constant(0) : Distribution::normal(config.initializer_range);
}

void initialize_parameter(const NamedTensor& parameter, const Distribution& distribution,
                          uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const RandomStream random = stream_of(parameter.name, seed);
  switch (distribution.kind) {
    case Distribution::Kind::kConstant:
      parameter.tensor.fill_(distribution.low);
      return;
    case Distribution::Kind::kUniform:
      parameter.tensor.copy_(
          uniform(parameter.tensor.sizes(), distribution.low, distribution.high, random));
      return;
    case Distribution::Kind::kNormal:
      parameter.tensor.copy_(normal(parameter.tensor.sizes(), distribution.high, random));
      return;
  }
}

void initialize_weight_norms(const NamedTensors& parameters) {
  const c10::NoGradGuard no_grad;
  const std::map<std::string, at::Tensor> all = by_name(parameters);
  for (const NamedTensor& parameter : parameters) {
    if (!parameter.name.ends_with(".original0")) continue;
    std::string direction = parameter.name;
    direction.back() = '1';
    // On the CPU whatever the device, so that every device starts from the same bits.
    parameter.tensor.copy_(at::norm_except_dim(all.at(direction).to(at::kCPU), 2, 2));
  }
}

}  // namespace s2i
