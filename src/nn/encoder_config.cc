#include "nn/encoder_config.h"

#include <array>
#include <utility>

#include "core/error.h"
#include "nn/activation.h"
#include "nn/config_members.h"

namespace s2i {

template <typename Config, typename Visitor>
void EncoderConfig::visit_shape(Config& c, Visitor&& visit) {
  visit("hidden_size", c.hidden_size);
  visit("num_hidden_layers", c.num_hidden_layers);
  visit("num_attention_heads", c.num_attention_heads);
  visit("intermediate_size", c.intermediate_size);
  visit("hidden_act", c.hidden_act);
  visit("layer_norm_eps", c.layer_norm_eps);
  visit("feat_extract_norm", c.feat_extract_norm);
  visit("feat_extract_activation", c.feat_extract_activation);
  visit("conv_dim", c.conv_dim);
  visit("conv_stride", c.conv_stride);
  visit("conv_kernel", c.conv_kernel);
  visit("conv_bias", c.conv_bias);
  visit("num_conv_pos_embeddings", c.num_conv_pos_embeddings);
  visit("num_conv_pos_embedding_groups", c.num_conv_pos_embedding_groups);
  visit("do_stable_layer_norm", c.do_stable_layer_norm);
}

template <typename Config, typename Visitor>
void EncoderConfig::visit_training(Config& c, Visitor&& visit) {
  visit("hidden_dropout", c.hidden_dropout);
  visit("activation_dropout", c.activation_dropout);
  visit("attention_dropout", c.attention_dropout);
  visit("feat_proj_dropout", c.feat_proj_dropout);
  visit("final_dropout", c.final_dropout);
  visit("layerdrop", c.layerdrop);
  visit("initializer_range", c.initializer_range);
  visit("apply_spec_augment", c.apply_spec_augment);
  visit("mask_time_prob", c.mask_time_prob);
  visit("mask_time_length", c.mask_time_length);
  visit("mask_time_min_masks", c.mask_time_min_masks);
  visit("mask_feature_prob", c.mask_feature_prob);
  visit("mask_feature_length", c.mask_feature_length);
  visit("mask_feature_min_masks", c.mask_feature_min_masks);
}

void EncoderConfig::read(const Json& json, std::string_view where) {
  read_members(json, *this, where);
}

void EncoderConfig::write(OrderedJson& json) const { write_members(*this, json); }

std::vector<std::string> EncoderConfig::shape_differences(const EncoderConfig& saved,
                                                          const EncoderConfig& wanted) {
  return member_differences(saved, wanted);
}

void check_range(std::string_view where, const char* key, int64_t value, int64_t low,
                 int64_t high) {
  if (value < low || value > high) {
    throw UserError("{}: \"{}\" is {}, outside {} ... {}", where, key, value, low, high);
  }
}

void EncoderConfig::check(std::string_view where) const {
  const auto within = [&](const char* key, int64_t value, int64_t low, int64_t high) {
    check_range(where, key, value, low, high);
  };
  within("hidden_size", hidden_size, 1, 1 << 16);
  within("num_hidden_layers", num_hidden_layers, 1, 1024);
  within("num_attention_heads", num_attention_heads, 1, hidden_size);
  within("intermediate_size", intermediate_size, 1, 1 << 18);
  within("num_conv_pos_embeddings", num_conv_pos_embeddings, 1, 4096);
  within("num_conv_pos_embedding_groups", num_conv_pos_embedding_groups, 1, hidden_size);
  within("mask_time_length", mask_time_length, 1, 1 << 20);
  within("mask_time_min_masks", mask_time_min_masks, 0, 1 << 20);
  within("mask_feature_length", mask_feature_length, 1, 1 << 20);
  within("mask_feature_min_masks", mask_feature_min_masks, 0, 1 << 20);
  const auto layers = static_cast<int64_t>(conv_dim.size());
  within("conv_dim", layers, 1, 64);
  if (conv_stride.size() != conv_dim.size() || conv_kernel.size() != conv_dim.size()) {
    throw UserError(
        "{}: \"conv_dim\", \"conv_stride\" and \"conv_kernel\" have {}, {} and {} members", where,
        conv_dim.size(), conv_stride.size(), conv_kernel.size());
  }
  int64_t first_frame = 1;  // samples of a frame, from the last convolution down
  for (size_t i = conv_dim.size(); i-- > 0;) {
    within("conv_dim", conv_dim[i], 1, 1 << 16);
    within("conv_stride", conv_stride[i], 1, 4096);
    within("conv_kernel", conv_kernel[i], 1, 4096);
    constexpr int64_t kMaxFirstFrame = 1 << 30;
    first_frame = (first_frame - 1) * conv_stride[i] + conv_kernel[i];
    if (first_frame > kMaxFirstFrame) {
      throw UserError("{}: \"conv_stride\" and \"conv_kernel\" make a frame of over {} samples",
                      where, kMaxFirstFrame);
    }
  }
  if (hidden_size % num_attention_heads != 0) {
    throw UserError("{}: \"hidden_size\" {} does not divide into {} heads", where, hidden_size,
                    num_attention_heads);
  }
  if (hidden_size % num_conv_pos_embedding_groups != 0) {
    throw UserError("{}: \"hidden_size\" {} does not divide into {} groups", where, hidden_size,
                    num_conv_pos_embedding_groups);
  }
  if (feat_extract_norm != "group" && feat_extract_norm != "layer") {
    throw UserError("{}: \"feat_extract_norm\" is \"{}\"; it can be \"group\" or \"layer\"", where,
                    feat_extract_norm);
  }
  activation_of(hidden_act, where);
  activation_of(feat_extract_activation, where);
  const std::array<std::pair<const char*, double>, 8> probabilities = {
      {{"hidden_dropout", hidden_dropout},
       {"activation_dropout", activation_dropout},
       {"attention_dropout", attention_dropout},
       {"feat_proj_dropout", feat_proj_dropout},
       {"layerdrop", layerdrop},
       {"final_dropout", final_dropout},
       {"mask_time_prob", mask_time_prob},
       {"mask_feature_prob", mask_feature_prob}}};
  for (const auto& [key, value] : probabilities) {
    const bool may_be_one = std::string_view(key).starts_with("mask") || value < 1;
    if (!(value >= 0 && value <= 1 && may_be_one)) {
      throw UserError("{}: \"{}\" is {}; a probability below 1 is needed", where, key, value);
    }
  }
  if (!(initializer_range >= 0 && initializer_range <= 1)) {
    throw UserError("{}: \"initializer_range\" is {}", where, initializer_range);
  }
  if (!(layer_norm_eps > 0 && layer_norm_eps < 1)) {
    throw UserError("{}: \"layer_norm_eps\" is {}", where, layer_norm_eps);
  }
}

double EncoderConfig::approximate_parameters() const {
  const auto hidden = static_cast<double>(hidden_size);
  double parameters = hidden * hidden * static_cast<double>(num_conv_pos_embeddings) /
                      static_cast<double>(num_conv_pos_embedding_groups);
  parameters += static_cast<double>(num_hidden_layers) * hidden *
                (4 * hidden + 2 * static_cast<double>(intermediate_size));
  double inputs = 1;
  for (size_t i = 0; i < conv_dim.size(); ++i) {
    const auto outputs = static_cast<double>(conv_dim[i]);
    parameters += inputs * outputs * static_cast<double>(conv_kernel[i]);
    inputs = outputs;
  }
  return parameters + hidden * inputs;
}

void EncoderConfig::set_dropout(double p) {
  if (!(p >= 0 && p < 1)) throw UserError("a dropout of {}; it has to be 0 or more and below 1", p);
  hidden_dropout = activation_dropout = attention_dropout = feat_proj_dropout = final_dropout = p;
  layerdrop = p;
}

int64_t EncoderConfig::frames_after(int64_t samples, size_t layers) const {
  int64_t length = samples;
  for (size_t i = 0; i < layers; ++i) {
    if (length < conv_kernel[i]) return 0;
    length = (length - conv_kernel[i]) / conv_stride[i] + 1;
  }
  return length;
}

int64_t EncoderConfig::min_samples() const {
  int64_t rows = 1;
  for (size_t i = conv_dim.size(); i-- > 0;) rows = (rows - 1) * conv_stride[i] + conv_kernel[i];
  return rows;
}

EncoderConfig EncoderConfig::of_shape(const std::string& shape) {
  EncoderConfig config;
  if (shape == "base") return config;
  if (shape == "large") {
    config.hidden_size = 1024;
    config.num_hidden_layers = 24;
    config.num_attention_heads = 16;
    config.intermediate_size = 4096;
    config.feat_extract_norm = "layer";
    config.conv_bias = true;
    config.do_stable_layer_norm = true;
    return config;
  }
  if (shape == "tiny") {
    config.hidden_size = 32;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 2;
    config.intermediate_size = 64;
    config.conv_dim = {16, 16, 16, 16, 16, 16, 16};
    config.num_conv_pos_embeddings = 16;
    config.num_conv_pos_embedding_groups = 2;
    return config;
  }
  throw UserError("no shape \"{}\"; the shapes are base, large and tiny", shape);
}

}  // namespace s2i
