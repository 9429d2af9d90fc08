// An encoder type: a model_type of transformers that shares the body of nn/speech_encoder.h.
//
// A type is a struct of the settings in config.json that it alone has, in <type>/config.h, listed
// in list.h. What has to be known of it (see any of them):
//
//   kModelType         "model_type" of config.json, and the prefix of its tensors' names
//   kClassName         what transformers' class names begin with
//   read, write        the type's own members of config.json
//   shape_differences  those that a change of weights cannot bridge
//   check              refuses what is not supported
//   set_body           sets what config.json leaves to the type
//   approximate_parameters, attention_flop_per_frame
//                      the size and cost of what the type adds to the body
//   set_shape          the published shapes, where they differ from those of the body
//   normalizes_audio   what its published preprocessor does
//   make_parts         what it computes (nn/encoder_parts.h)
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "encoders/list.h"
#include "nn/encoder_config.h"

namespace s2i {

class EncoderParts;

/// One encoder type with its own settings. Default: the first of the list.
class EncoderType {
 public:
  EncoderType() = default;
  /// Throws UserError naming the types that there are; `where` stands in the message.
  EncoderType(std::string_view model_type, std::string_view where);

  static std::vector<std::string> names();

  std::string name() const;
  /// What the names of its tensors begin with: "<name>.".
  std::string prefix() const { return name() + "."; }
  /// Of transformers' class with a classification head.
  std::string classifier_class() const;

  /// Reads the type's own members. Throws UserError for a value of the wrong type, and naming what
  /// is not supported.
  void read(const Json& json, std::string_view where);
  void write(OrderedJson& json) const;
  /// "key: saved -> wanted" for each difference that a change of weights cannot bridge.
  static std::vector<std::string> shape_differences(const EncoderType& saved,
                                                    const EncoderType& wanted);

  /// Throws UserError naming a value that is out of range.
  void check(const EncoderConfig& body, std::string_view where) const;
  /// Sets what the type decides of the body without a member of config.json.
  void set_body(EncoderConfig& body) const;
  /// The body of a published shape: "base", "large", or "tiny" for tests.
  EncoderConfig body_of_shape(const std::string& shape) const;
  /// Whether the published preprocessor of the shape brings audio to zero mean and unit variance.
  bool normalizes_audio(const std::string& shape) const;

  /// Of what the type adds to the body.
  double approximate_parameters(const EncoderConfig& body) const;
  /// Floating-point operations that the type adds to the attention of one layer, per frame.
  double attention_flop_per_frame(const EncoderConfig& body) const;

  /// What the type decides of the body's computation (library s2i_encoders).
  std::unique_ptr<EncoderParts> make_parts(const EncoderConfig& body) const;

 private:
  AnyEncoderConfig config_;
};

}  // namespace s2i
