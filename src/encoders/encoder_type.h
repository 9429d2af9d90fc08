// The encoder type that config.json names, with its own settings.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "encoders/list.h"
#include "nn/encoder_config.h"

namespace s2i {

/// Any of the types in list.h; the methods are those of encoders/encoder.h.
class EncoderType {
 public:
  /// The first type of the list.
  EncoderType() = default;
  /// Throws UserError naming the types that there are; `where` stands in the message.
  EncoderType(std::string_view model_type, std::string_view where);

  static std::vector<std::string> names();

  std::string name() const;
  /// What the names of its tensors begin with: "<name>.".
  std::string prefix() const { return name() + "."; }
  /// The name of transformers' class with a classification head.
  std::string classifier_class() const;

  /// Reads the type's own members. Throws UserError for a value of the wrong type, and naming what
  /// is not supported.
  void read(const Json& json, std::string_view where);
  void write(OrderedJson& json) const;
  /// "key: saved -> wanted" for each difference that a change of weights cannot bridge.
  static std::vector<std::string> shape_differences(const EncoderType& saved,
                                                    const EncoderType& wanted);

  void check(const EncoderConfig& body, std::string_view where) const;
  void set_body(EncoderConfig& body) const;
  /// The body of a published shape: "base", "large", or "tiny" for tests.
  EncoderConfig body_of_shape(const std::string& shape) const;
  bool normalizes_audio(const std::string& shape) const;
  double approximate_parameters(const EncoderConfig& body) const;
  double attention_flop_per_frame(const EncoderConfig& body) const;
  std::vector<std::string> training_notes() const;

  /// What the type decides of the body's computation (library s2i_encoders).
  std::unique_ptr<EncoderParts> make_parts(const EncoderConfig& body) const;

 private:
  AnyEncoder encoder_;
};

}  // namespace s2i
