// HuBERT (Hsu et al., arXiv 2106.07447): what its config.json has beyond the shared body.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "encoders/encoder.h"

namespace s2i {

/// Field names, meanings and defaults are those of transformers' configuration_hubert.py.
struct Hubert : Encoder {
  static constexpr std::string_view kModelType = "hubert";
  static constexpr std::string_view kClassName = "Hubert";

  /// A LayerNorm before the projection of the features.
  bool feat_proj_layer_norm = true;
  /// BatchNorm before the positional convolution, instead of weight norm (mHuBERT-147).
  bool conv_pos_batch_norm = false;

  template <typename Config, typename Visitor>
  static void visit_shape(Config& c, Visitor&& visit) {
    visit("feat_proj_layer_norm", c.feat_proj_layer_norm);
    visit("conv_pos_batch_norm", c.conv_pos_batch_norm);
  }

  void refuse_unsupported(const Json& json, std::string_view where) const;
  std::vector<std::string> training_notes() const;
  std::unique_ptr<EncoderParts> make_parts(const EncoderConfig& body) const;
};

}  // namespace s2i
