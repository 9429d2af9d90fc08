#include <memory>

#include "encoders/wavlm/config.h"
#include "encoders/wavlm/relative_attention.h"
#include "nn/encoder_parts.h"

namespace s2i {
namespace {

class WavlmParts : public EncoderParts {
 public:
  WavlmParts(const EncoderConfig& body, const Wavlm& config) : body_(body), config_(config) {}

  std::unique_ptr<Attention> make_attention(ParameterList& parameters, const std::string& name,
                                            int64_t layer) const override {
    return std::make_unique<RelativeAttention>(body_, config_, parameters, name, layer);
  }

  std::unique_ptr<PositionalConv> make_positional_conv(ParameterList& parameters,
                                                       const std::string& name) const override {
    return std::make_unique<WeightNormConv>(body_, parameters, name);
  }

  Distribution initial_values(const std::string& name) const override {
    if (name.ends_with("gru_rel_pos_const")) return Distribution::constant(1);
    return default_initial_values(name, body_);
  }

 private:
  EncoderConfig body_;
  Wavlm config_;
};

}  // namespace

std::unique_ptr<EncoderParts> Wavlm::make_parts(const EncoderConfig& body) const {
  return std::make_unique<WavlmParts>(body, *this);
}

}  // namespace s2i
