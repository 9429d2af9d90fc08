// What all encoder types share of config.json: the shape and regularization of the encoder's body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace s2i {

/// Field names, meanings and defaults are those of transformers' configuration_wav2vec2.py, from
/// which the other types are derived.
struct EncoderConfig {
  int64_t hidden_size = 768;
  int64_t num_hidden_layers = 12;
  int64_t num_attention_heads = 12;
  int64_t intermediate_size = 3072;
  std::string hidden_act = "gelu";
  double hidden_dropout = 0.1;
  double activation_dropout = 0.1;
  double attention_dropout = 0.1;
  double feat_proj_dropout = 0.0;
  double final_dropout = 0.1;  ///< of the CTC head only; kept for the file
  double layerdrop = 0.1;
  double initializer_range = 0.02;
  double layer_norm_eps = 1e-5;
  std::string feat_extract_norm = "group";  ///< "group" or "layer"
  std::string feat_extract_activation = "gelu";
  std::vector<int64_t> conv_dim = {512, 512, 512, 512, 512, 512, 512};
  std::vector<int64_t> conv_stride = {5, 2, 2, 2, 2, 2, 2};
  std::vector<int64_t> conv_kernel = {10, 3, 3, 3, 3, 2, 2};
  bool conv_bias = false;
  int64_t num_conv_pos_embeddings = 128;
  int64_t num_conv_pos_embedding_groups = 16;
  bool do_stable_layer_norm = false;
  bool apply_spec_augment = true;
  double mask_time_prob = 0.05;
  int64_t mask_time_length = 10;
  int64_t mask_time_min_masks = 2;
  double mask_feature_prob = 0.0;
  int64_t mask_feature_length = 10;
  int64_t mask_feature_min_masks = 0;
  /// The first layer that LayerDrop may skip. Not in config.json: the encoder type decides it.
  int64_t first_droppable_layer = 0;

  /// The members of config.json (nn/config_members.h).
  template <typename Config, typename Visitor>
  static void visit_shape(Config& c, Visitor&& visit);
  template <typename Config, typename Visitor>
  static void visit_training(Config& c, Visitor&& visit);

  /// Reads the members of config.json. `where` stands in the messages. Throws UserError for a value
  /// of the wrong type; check() for the rest.
  void read(const Json& json, std::string_view where);
  void write(OrderedJson& json) const;
  /// "key: saved -> wanted" for each difference that a change of weights cannot bridge.
  static std::vector<std::string> shape_differences(const EncoderConfig& saved,
                                                    const EncoderConfig& wanted);

  /// Throws UserError naming a value that is out of range or not supported.
  void check(std::string_view where) const;

  /// Sets every dropout and LayerDrop to one value.
  void set_dropout(double p);

  int64_t head_dim() const { return hidden_size / num_attention_heads; }
  /// masked_spec_embed is a parameter only of models that may mask.
  bool has_mask_embedding() const { return mask_time_prob > 0 || mask_feature_prob > 0; }

  /// Frames after convolution layers 0 ... `layers`-1, of which there are conv_dim.size(); 0 if the
  /// samples are fewer than the first frame needs.
  int64_t frames_after(int64_t samples, size_t layers) const;
  int64_t frames(int64_t samples) const { return frames_after(samples, conv_dim.size()); }
  /// Samples that the first frame needs: 400 for the published models.
  int64_t min_samples() const;

  /// Values of the large matrices: enough to refuse what no memory holds.
  double approximate_parameters() const;

  /// The published shapes "base" and "large", and "tiny", which is small enough for tests. Throws
  /// UserError for another name.
  static EncoderConfig of_shape(const std::string& shape);
};

/// Throws UserError if the value is outside [low, high].
void check_range(std::string_view where, const char* key, int64_t value, int64_t low, int64_t high);

}  // namespace s2i
