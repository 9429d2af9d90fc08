// The model's shape and regularization: config.json of Hugging Face's WavLM, typed and checked.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/json.h"

namespace s2i {

/// Field names, meanings and defaults are those of transformers' configuration_wavlm.py.
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
  double final_dropout = 0.1;  ///< of the CTC head alone; kept for the file
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
  int64_t num_buckets = 320;
  int64_t max_bucket_distance = 800;
  bool do_stable_layer_norm = false;
  bool apply_spec_augment = true;
  double mask_time_prob = 0.05;
  int64_t mask_time_length = 10;
  int64_t mask_time_min_masks = 2;
  double mask_feature_prob = 0.0;
  int64_t mask_feature_length = 10;
  int64_t mask_feature_min_masks = 0;
  bool use_weighted_layer_sum = false;
  int64_t classifier_proj_size = 256;
  /// id2label, in the order of the classes; its size is the number of logits.
  std::vector<std::string> labels = {"LABEL_0", "LABEL_1"};
  /// config.json as it was read: what this program does not use is written back.
  Json original = Json::object();

  /// Reads config.json. `where` stands in the messages. Throws UserError for a value of the wrong
  /// type, out of range or not supported (adapters), naming it.
  static EncoderConfig from_json(const Json& json, std::string_view where);

  /// What config.json says: the original's other members, and labels, for
  /// WavLMForSequenceClassification.
  OrderedJson to_json() const;

  /// Throws UserError naming what cannot be; from_json() has called it.
  void check(std::string_view where) const;

  /// Sets every dropout and LayerDrop to one value.
  void set_dropout(double p);

  int64_t num_labels() const { return static_cast<int64_t>(labels.size()); }
  int64_t head_dim() const { return hidden_size / num_attention_heads; }
  /// masked_spec_embed is a parameter only of models that may mask.
  bool has_mask_embedding() const { return mask_time_prob > 0 || mask_feature_prob > 0; }

  /// Frames after convolution layers 0 ... `layers`-1, of which there are conv_dim.size(); 0 if the
  /// samples are fewer than the first frame needs.
  int64_t frames_after(int64_t samples, size_t layers) const;
  int64_t frames(int64_t samples) const { return frames_after(samples, conv_dim.size()); }
  /// Samples that the first frame needs: 400 for the published models.
  int64_t min_samples() const;

  /// The published shapes, with random weights in mind: "base", "base-plus", "large", and "tiny",
  /// which is small enough for tests.
  static EncoderConfig of_shape(const std::string& shape);

 private:
  /// Refuses what would take more memory than any WavLM, before anything is allocated.
  void check_cost(std::string_view where) const;
};

/// The activation functions that transformers knows by these names; throws UserError for others.
void check_activation(const std::string& name, std::string_view where);

}  // namespace s2i
