#include <cmath>
#include <memory>

#include "encoders/hubert/batch_norm_conv.h"
#include "encoders/hubert/config.h"
#include "nn/encoder_parts.h"
#include "nn/self_attention.h"

namespace s2i {
namespace {

class HubertParts : public EncoderParts {
 public:
  HubertParts(const EncoderConfig& body, const Hubert& config) : body_(body), config_(config) {}

  std::unique_ptr<Attention> make_attention(ParameterList& parameters, const std::string& name,
                                            int64_t /*layer*/) const override {
    return std::make_unique<SelfAttention>(body_, parameters, name);
  }

  std::unique_ptr<PositionalConv> make_positional_conv(ParameterList& parameters,
                                                       const std::string& name) const override {
    if (config_.conv_pos_batch_norm) {
      return std::make_unique<BatchNormConv>(body_, parameters, name);
    }
    return std::make_unique<WeightNormConv>(body_, parameters, name);
  }

  bool has_projection_norm() const override { return config_.feat_proj_layer_norm; }

  // As HubertPreTrainedModel._init_weights: He initialization of every convolution, biases zero.
  Distribution initial_values(const std::string& name) const override {
    if (name.find("norm") != std::string::npos) {
      return Distribution::constant(name.ends_with(".bias") ? 0 : 1);
    }
    if (name.ends_with(".bias")) return Distribution::constant(0);
    if (name.find("pos_conv_embed") != std::string::npos) {
      const auto fan_in = static_cast<double>(body_.hidden_size * body_.num_conv_pos_embeddings /
                                              body_.num_conv_pos_embedding_groups);
      return Distribution::normal(std::sqrt(2 / fan_in));
    }
    if (name.starts_with("feature_projection")) {
      return Distribution::normal(body_.initializer_range);
    }
    return default_initial_values(name, body_);
  }

 private:
  EncoderConfig body_;
  Hubert config_;
};

}  // namespace

std::unique_ptr<EncoderParts> Hubert::make_parts(const EncoderConfig& body) const {
  return std::make_unique<HubertParts>(body, *this);
}

}  // namespace s2i
