#include <memory>

#include "encoders/wav2vec2/config.h"
#include "nn/encoder_parts.h"
#include "nn/self_attention.h"

namespace s2i {
namespace {

class Wav2vec2Parts : public EncoderParts {
 public:
  explicit Wav2vec2Parts(const EncoderConfig& body) : body_(body) {}

  std::unique_ptr<Attention> make_attention(ParameterList& parameters, const std::string& name,
                                            int64_t /*layer*/) const override {
    return std::make_unique<SelfAttention>(body_, parameters, name);
  }

  std::unique_ptr<PositionalConv> make_positional_conv(ParameterList& parameters,
                                                       const std::string& name) const override {
    return std::make_unique<WeightNormConv>(body_, parameters, name);
  }

  Distribution initial_values(const std::string& name) const override {
    return default_initial_values(name, body_);
  }

 private:
  EncoderConfig body_;
};

}  // namespace

std::unique_ptr<EncoderParts> Wav2vec2::make_parts(const EncoderConfig& body) const {
  return std::make_unique<Wav2vec2Parts>(body);
}

}  // namespace s2i
