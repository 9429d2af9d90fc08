#include "nn/initialization.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <numbers>
#include <span>

#include "core/checksum.h"
#include "core/random.h"

namespace s2i {
namespace {

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

at::Tensor draw(const std::string& name, at::IntArrayRef shape, const EncoderConfig& config,
                uint64_t seed) {
  const RandomStream random = stream_of(name, seed);
  const auto ends = [&](const char* end) { return name.ends_with(end); };
  const bool bias = ends(".bias");
  if (name.find("layer_norm") != std::string::npos) return at::full(shape, bias ? 0.0 : 1.0);
  if (name.find("conv_layers.") != std::string::npos) {
    // kaiming_normal_: fan-in is channels times taps; layer 0 reads one channel.
    const size_t layer = std::stoul(name.substr(name.find("conv_layers.") + 12));
    const int64_t in = layer == 0 ? 1 : config.conv_dim[layer - 1];
    const double fan_in = static_cast<double>(in * config.conv_kernel[layer]);
    if (bias) return uniform(shape, -1 / std::sqrt(fan_in), 1 / std::sqrt(fan_in), random);
    return normal(shape, std::sqrt(2 / fan_in), random);
  }
  if (name.find("feature_projection.projection") != std::string::npos) {
    const double limit = 1 / std::sqrt(static_cast<double>(config.conv_dim.back()));
    return uniform(shape, -limit, limit, random);
  }
  if (ends("masked_spec_embed")) return uniform(shape, 0, 1, random);
  if (ends("gru_rel_pos_const")) return at::ones(shape);
  if (name == "layer_weights") return at::full(shape, 1.0 / static_cast<double>(shape[0]));
  if (ends("weight.original1")) {
    const double values = static_cast<double>(config.num_conv_pos_embeddings * config.hidden_size);
    return normal(shape, 2 / std::sqrt(values), random);
  }
  if (ends("weight.original0")) {
    const std::string other = name.substr(0, name.size() - 1) + "1";
    const int64_t width = config.hidden_size;
    const at::Tensor direction =
        draw(other,
             {width, width / config.num_conv_pos_embedding_groups, config.num_conv_pos_embeddings},
             config, seed);
    return at::norm_except_dim(direction, 2, 2);
  }
  return bias ? at::zeros(shape) : normal(shape, config.initializer_range, random);
}

}  // namespace

void initialize_parameter(const NamedParameter& parameter, const EncoderConfig& config,
                          uint64_t seed) {
  const c10::NoGradGuard no_grad;
  parameter.tensor.copy_(draw(parameter.name, parameter.tensor.sizes(), config, seed));
}

}  // namespace s2i
