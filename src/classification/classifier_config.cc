#include "classification/classifier_config.h"

#include <charconv>
#include <optional>
#include <utility>

#include "core/error.h"
#include "nn/config_members.h"

namespace s2i {
namespace {

std::vector<std::string> generic_labels(int64_t count) {
  std::vector<std::string> labels;
  labels.reserve(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) labels.push_back("LABEL_" + std::to_string(i));
  return labels;
}

/// The class of a key of id2label: digits, possibly with leading zeros, which transformers accepts.
std::optional<size_t> class_of_key(const std::string& key) {
  size_t value = 0;
  const auto result = std::from_chars(key.data(), key.data() + key.size(), value);
  if (result.ec != std::errc() || result.ptr != key.data() + key.size()) return std::nullopt;
  return value;
}

std::vector<std::string> read_id2label(const Json& map, std::string_view where) {
  if (!map.is_object() || map.empty()) {
    throw UserError("{}: \"id2label\" has to map \"0\", \"1\", ... to names", where);
  }
  std::vector<std::optional<std::string>> labels(map.size());
  for (const auto& [key, name] : map.items()) {
    const auto index = class_of_key(key);
    if (!index) throw UserError("{}: \"id2label\" has the key \"{}\", not a number", where, key);
    if (!name.is_string() && !name.is_number()) {
      throw UserError("{}: \"id2label\" maps \"{}\" to {}, not to a name", where, key, name.dump());
    }
    if (*index >= labels.size()) continue;  // then a smaller number is missing
    if (labels[*index]) throw UserError("{}: \"id2label\" has class {} twice", where, *index);
    labels[*index] = name.is_string() ? name.get<std::string>() : name.dump();
  }
  std::vector<std::string> names;
  for (const auto& label : labels) {
    if (!label) {
      throw UserError("{}: \"id2label\" has {} members but no name for \"{}\"", where, map.size(),
                      names.size());
    }
    names.push_back(*label);
  }
  return names;
}

/// As transformers: names from id2label, unless num_labels differs from their number.
std::vector<std::string> read_labels(const Json& json, std::string_view where) {
  constexpr int64_t kDefaultCount = 2;
  const auto count = json_get_or<int64_t>(json, "num_labels", -1, where);
  if (count != -1 && (count < 1 || count > 1'000'000)) {
    throw UserError("{}: \"num_labels\" is {}", where, count);
  }
  if (json.contains("id2label") && !json.at("id2label").is_null()) {
    std::vector<std::string> names = read_id2label(json.at("id2label"), where);
    if (count == -1 || std::cmp_equal(count, names.size())) return names;
  }
  return generic_labels(count == -1 ? kDefaultCount : count);
}

}  // namespace

template <typename Config, typename Visitor>
void ClassifierConfig::visit_shape(Config& c, Visitor&& visit) {
  visit("use_weighted_layer_sum", c.use_weighted_layer_sum);
  visit("classifier_proj_size", c.classifier_proj_size);
}

ClassifierConfig ClassifierConfig::from_json(const Json& json, std::string_view where) {
  if (!json.is_object()) throw UserError("{}: not a JSON object", where);
  ClassifierConfig config;
  config.type = EncoderType(json_get<std::string>(json, "model_type", where), where);
  config.type.read(json, where);
  config.encoder.read(json, where);
  config.type.set_body(config.encoder);
  read_members(json, config, where);
  config.labels = read_labels(json, where);
  config.original = json;
  config.check(where);
  return config;
}

void ClassifierConfig::check(std::string_view where) const {
  encoder.check(where);
  type.check(encoder, where);
  check_range(where, "classifier_proj_size", classifier_proj_size, 1, 1 << 16);
  // More than any published model, before anything is allocated.
  constexpr double kMaxParameters = 4e9;  // the published large models have 3.2e8
  const auto projected = static_cast<double>(classifier_proj_size);
  const double parameters = encoder.approximate_parameters() +
                            type.approximate_parameters(encoder) +
                            projected * static_cast<double>(encoder.hidden_size + num_labels());
  if (parameters > kMaxParameters) {
    throw UserError("{}: a model of {:.2g} parameters; the limit is {:.2g}", where, parameters,
                    kMaxParameters);
  }
}

OrderedJson ClassifierConfig::to_json() const {
  OrderedJson json = OrderedJson::object();
  json["architectures"] = {type.classifier_class()};
  json["model_type"] = type.name();
  encoder.write(json);
  type.write(json);
  write_members(*this, json);
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

bool ClassifierConfig::has_generic_labels() const { return labels == generic_labels(num_labels()); }

ClassifierConfig ClassifierConfig::of_shape(const std::string& model_type,
                                            const std::string& shape) {
  ClassifierConfig config;
  config.type = EncoderType(model_type, "encoder type");
  config.encoder = config.type.body_of_shape(shape);
  if (shape == "tiny") config.classifier_proj_size = 16;
  return config;
}

std::vector<std::string> shape_differences(const ClassifierConfig& saved,
                                           const ClassifierConfig& wanted) {
  std::vector<std::string> all = EncoderType::shape_differences(saved.type, wanted.type);
  for (const auto& part : {EncoderConfig::shape_differences(saved.encoder, wanted.encoder),
                           member_differences(saved, wanted)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace s2i
