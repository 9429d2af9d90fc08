// What an encoder is: a model_type of transformers that shares the body of nn/speech_encoder.h.
//
// Each type is a struct of the settings that its config.json has beyond the body's, in
// <type>/config.h and listed in list.h. It derives from Encoder, which says what there is to
// decide, and replaces what differs. Beside those it has
//
//   kModelType   "model_type" of config.json, which is also what its tensors' names begin with
//   kClassName   what the names of transformers' classes begin with
//   make_parts   what it computes (nn/encoder_parts.h)
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "nn/encoder_config.h"

namespace s2i {

class EncoderParts;

/// The answers of a type that adds nothing to the body.
struct Encoder {
  /// The type's own members of config.json (nn/config_members.h).
  template <typename Config, typename Visitor>
  static void visit_shape(Config& /*c*/, Visitor&& /*visit*/) {}
  template <typename Config, typename Visitor>
  static void visit_training(Config& /*c*/, Visitor&& /*visit*/) {}

  /// Throws UserError naming what config.json asks for and this program does not have.
  void refuse_unsupported(const Json& /*json*/, std::string_view /*where*/) const {}
  /// Throws UserError naming a value that is out of range.
  void check(const EncoderConfig& /*body*/, std::string_view /*where*/) const {}
  /// Sets what the type decides of the body without a member of config.json.
  void set_body(EncoderConfig& /*body*/) const {}
  /// The published shape ("base", "large"), where it is not EncoderConfig::of_shape().
  void set_shape(const std::string& /*shape*/, EncoderConfig& /*body*/) const {}
  /// Whether the published preprocessor brings audio to zero mean and unit variance.
  bool normalizes_audio(const std::string& /*shape*/) const { return true; }

  /// Number of parameters that the type adds to the body, roughly.
  double approximate_parameters(const EncoderConfig& /*body*/) const { return 0; }
  /// Floating-point operations that the type adds to the attention of one layer, per frame.
  double attention_flop_per_frame(const EncoderConfig& /*body*/) const { return 0; }
  /// What who trains this model has to know; for the log.
  std::vector<std::string> training_notes() const { return {}; }
};

/// For types whose transformers class has adapters: refuses a model that uses them.
void refuse_adapters(const Json& json, std::string_view where);

}  // namespace s2i
