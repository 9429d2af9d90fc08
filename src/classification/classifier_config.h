// config.json of a speech classifier, typed and checked: the encoder's settings and the head's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"
#include "encoders/encoder_type.h"
#include "nn/encoder_config.h"

namespace s2i {

/// Field names, meanings and defaults are those of transformers' configurations.
struct ClassifierConfig {
  EncoderType type;       ///< which encoder, with its own settings
  EncoderConfig encoder;  ///< the body that all encoder types share
  bool use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 256;
  /// id2label, in the order of the classes; its size is the number of logits.
  std::vector<std::string> labels = {"LABEL_0", "LABEL_1"};
  /// config.json as it was read: what this program does not use is written back.
  Json original = Json::object();

  /// The members of config.json (nn/config_members.h), without the encoder's.
  template <typename Config, typename Visitor>
  static void visit_shape(Config& c, Visitor&& visit);
  template <typename Config, typename Visitor>
  static void visit_training(Config& /*c*/, Visitor&& /*visit*/) {}

  /// Reads config.json; "model_type" decides the encoder. `where` stands in the messages. Throws
  /// UserError for a value of the wrong type, out of range or not supported, naming it.
  static ClassifierConfig from_json(const Json& json, std::string_view where);

  /// config.json of transformers' <type>ForSequenceClassification, with the original's other
  /// members.
  OrderedJson to_json() const;

  /// Throws UserError naming what is out of range; from_json() has called it.
  void check(std::string_view where) const;

  /// Whether the labels are LABEL_0, LABEL_1, ..., which transformers uses for classes without
  /// names.
  bool has_generic_labels() const;

  int64_t num_labels() const { return static_cast<int64_t>(labels.size()); }

  /// A published shape of an encoder type: "base", "large", or "tiny", which is small enough for
  /// tests. Throws UserError for other names.
  static ClassifierConfig of_shape(const std::string& model_type, const std::string& shape);
};

/// "key: saved -> wanted" for each member of config.json that differs and that a change of weights
/// cannot bridge: not those that only say how a model is trained.
std::vector<std::string> shape_differences(const ClassifierConfig& saved,
                                           const ClassifierConfig& wanted);

}  // namespace s2i
