#include "nn/encoder_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/nearest_name.h"

namespace s2i {
namespace {

// One place that knows the name of every member, for reading and for writing.
template <typename Config, typename Visitor>
void visit_members(Config& c, Visitor&& visit) {
  visit("hidden_size", c.hidden_size);
  visit("num_hidden_layers", c.num_hidden_layers);
  visit("num_attention_heads", c.num_attention_heads);
  visit("intermediate_size", c.intermediate_size);
  visit("hidden_act", c.hidden_act);
  visit("hidden_dropout", c.hidden_dropout);
  visit("activation_dropout", c.activation_dropout);
  visit("attention_dropout", c.attention_dropout);
  visit("feat_proj_dropout", c.feat_proj_dropout);
  visit("final_dropout", c.final_dropout);
  visit("layerdrop", c.layerdrop);
  visit("initializer_range", c.initializer_range);
  visit("layer_norm_eps", c.layer_norm_eps);
  visit("feat_extract_norm", c.feat_extract_norm);
  visit("feat_extract_activation", c.feat_extract_activation);
  visit("conv_dim", c.conv_dim);
  visit("conv_stride", c.conv_stride);
  visit("conv_kernel", c.conv_kernel);
  visit("conv_bias", c.conv_bias);
  visit("num_conv_pos_embeddings", c.num_conv_pos_embeddings);
  visit("num_conv_pos_embedding_groups", c.num_conv_pos_embedding_groups);
  visit("num_buckets", c.num_buckets);
  visit("max_bucket_distance", c.max_bucket_distance);
  visit("do_stable_layer_norm", c.do_stable_layer_norm);
  visit("apply_spec_augment", c.apply_spec_augment);
  visit("mask_time_prob", c.mask_time_prob);
  visit("mask_time_length", c.mask_time_length);
  visit("mask_time_min_masks", c.mask_time_min_masks);
  visit("mask_feature_prob", c.mask_feature_prob);
  visit("mask_feature_length", c.mask_feature_length);
  visit("mask_feature_min_masks", c.mask_feature_min_masks);
  visit("use_weighted_layer_sum", c.use_weighted_layer_sum);
  visit("classifier_proj_size", c.classifier_proj_size);
}

std::vector<std::string> read_labels(const Json& json, std::string_view where) {
  if (json.contains("id2label") && !json.at("id2label").is_null()) {
    const Json& map = json.at("id2label");
    if (!map.is_object() || map.empty()) {
      throw UserError("{}: \"id2label\" has to map \"0\", \"1\", ... to names", where);
    }
    std::vector<std::string> labels;
    for (size_t i = 0; i < map.size(); ++i) {
      const auto entry = map.find(std::to_string(i));
      if (entry == map.end() || !entry->is_string()) {
        throw UserError("{}: \"id2label\" has {} members but no name for \"{}\"", where, map.size(),
                        i);
      }
      labels.push_back(entry->get<std::string>());
    }
    return labels;
  }
  const auto count = json_get_or<int64_t>(json, "num_labels", 2, where);
  if (count < 1 || count > 1'000'000) throw UserError("{}: \"num_labels\" is {}", where, count);
  std::vector<std::string> labels;
  labels.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) labels.push_back("LABEL_" + std::to_string(i));
  return labels;
}

}  // namespace

void check_activation(const std::string& name, std::string_view where) {
  static const std::vector<std::string> known = {
      "gelu",       "gelu_python", "gelu_new", "gelu_fast", "gelu_pytorch_tanh",
      "quick_gelu", "relu",        "selu",     "silu",      "swish",
      "mish",       "tanh",        "sigmoid",  "linear"};
  if (std::find(known.begin(), known.end(), name) != known.end()) return;
  const std::string near = nearest_name(name, known);
  throw UserError("{}: no activation function \"{}\"{}", where, name,
                  near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near));
}

EncoderConfig EncoderConfig::from_json(const Json& json, std::string_view where) {
  if (!json.is_object()) throw UserError("{}: not a JSON object", where);
  const auto type = json_get_or<std::string>(json, "model_type", "wavlm", where);
  if (type != "wavlm") {
    throw UserError("{}: a model of type \"{}\"; only \"wavlm\" can be used", where, type);
  }
  if (json_get_or<bool>(json, "add_adapter", false, where)) {
    throw UserError("{}: \"add_adapter\" is true; models with adapters are not supported", where);
  }
  EncoderConfig config;
  visit_members(config, [&]<typename T>(const char* key, T& value) {
    value = json_get_or<T>(json, key, value, where);
  });
  config.labels = read_labels(json, where);
  config.original = json;
  config.check(where);
  return config;
}

void EncoderConfig::check(std::string_view where) const {
  const auto within = [&](const char* key, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) {
      throw UserError("{}: \"{}\" is {}, outside {} ... {}", where, key, value, low, high);
    }
  };
  within("hidden_size", hidden_size, 1, 1 << 16);
  within("num_hidden_layers", num_hidden_layers, 1, 1024);
  within("num_attention_heads", num_attention_heads, 1, hidden_size);
  within("intermediate_size", intermediate_size, 1, 1 << 18);
  within("num_conv_pos_embeddings", num_conv_pos_embeddings, 1, 4096);
  within("num_conv_pos_embedding_groups", num_conv_pos_embedding_groups, 1, hidden_size);
  within("num_buckets", num_buckets, 4, 1600);  // kMaxBuckets of ops/position_bias
  within("max_bucket_distance", max_bucket_distance, num_buckets / 4 + 1, 1 << 20);
  within("mask_time_length", mask_time_length, 1, 1 << 20);
  within("mask_time_min_masks", mask_time_min_masks, 0, 1 << 20);
  within("mask_feature_length", mask_feature_length, 1, 1 << 20);
  within("mask_feature_min_masks", mask_feature_min_masks, 0, 1 << 20);
  within("classifier_proj_size", classifier_proj_size, 1, 1 << 16);
  const auto layers = static_cast<int64_t>(conv_dim.size());
  within("conv_dim", layers, 1, 64);
  if (conv_stride.size() != conv_dim.size() || conv_kernel.size() != conv_dim.size()) {
    throw UserError(
        "{}: \"conv_dim\", \"conv_stride\" and \"conv_kernel\" have {}, {} and {} members", where,
        conv_dim.size(), conv_stride.size(), conv_kernel.size());
  }
  for (size_t i = 0; i < conv_dim.size(); ++i) {
    within("conv_dim", conv_dim[i], 1, 1 << 16);
    within("conv_stride", conv_stride[i], 1, 4096);
    within("conv_kernel", conv_kernel[i], 1, 4096);
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
  check_activation(hidden_act, where);
  check_activation(feat_extract_activation, where);
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
  check_cost(where);
}

void EncoderConfig::check_cost(std::string_view where) const {
  constexpr int64_t kMaxFirstFrame = 1 << 30;
  constexpr double kMaxParameters = 4e9;  // WavLM-Large has 3.2e8
  int64_t rows = 1;
  for (size_t i = conv_dim.size(); i-- > 0;) {
    rows = (rows - 1) * conv_stride[i] + conv_kernel[i];
    if (rows > kMaxFirstFrame) {
      throw UserError("{}: \"conv_stride\" and \"conv_kernel\" make a frame of over {} samples",
                      where, kMaxFirstFrame);
    }
  }
  const auto hidden = static_cast<double>(hidden_size);
  double parameters = hidden * hidden * static_cast<double>(num_conv_pos_embeddings) /
                      static_cast<double>(num_conv_pos_embedding_groups);
  parameters += static_cast<double>(num_hidden_layers) * hidden *
                (4 * hidden + 2 * static_cast<double>(intermediate_size));
  parameters += static_cast<double>(num_buckets * num_attention_heads);
  double inputs = 1;
  for (size_t i = 0; i < conv_dim.size(); ++i) {
    const auto outputs = static_cast<double>(conv_dim[i]);
    parameters += inputs * outputs * static_cast<double>(conv_kernel[i]);
    inputs = outputs;
  }
  parameters += hidden * (inputs + static_cast<double>(classifier_proj_size)) +
                static_cast<double>(classifier_proj_size * num_labels());
  if (parameters > kMaxParameters) {
    throw UserError("{}: a model of {:.2g} parameters; the limit is {:.2g}", where, parameters,
                    kMaxParameters);
  }
}

OrderedJson EncoderConfig::to_json() const {
  OrderedJson json = OrderedJson::object();
  json["architectures"] = {"WavLMForSequenceClassification"};
  json["model_type"] = "wavlm";
  visit_members(*this, [&](const char* key, const auto& value) { json[key] = value; });
  for (const auto& [key, value] : original.items()) {
    // What from_pretrained fills in itself, or what no longer holds of these weights.
    if (key == "torch_dtype" || key == "dtype" || key == "num_labels" || key == "_name_or_path" ||
        key == "id2label" || key == "label2id" || json.contains(key)) {
      continue;
    }
    json[key] = OrderedJson(value);
  }
  json["id2label"] = OrderedJson::object();
  json["label2id"] = OrderedJson::object();
  for (size_t i = 0; i < labels.size(); ++i) {
    json["id2label"][std::to_string(i)] = labels[i];
    json["label2id"][labels[i]] = i;
  }
  json["dtype"] = "float32";
  return json;
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
  if (shape == "base" || shape == "base-plus") return config;
  if (shape == "large") {
    config.hidden_size = 1024;
    config.num_hidden_layers = 24;
    config.num_attention_heads = 16;
    config.intermediate_size = 4096;
    config.feat_extract_norm = "layer";
    config.conv_bias = false;
    config.do_stable_layer_norm = true;
    config.mask_time_prob = 0.075;
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
    config.classifier_proj_size = 16;
    return config;
  }
  throw UserError("no shape \"{}\"; there are base, base-plus, large and tiny", shape);
}

}  // namespace s2i
