#include "encoders/encoder.h"

#include <utility>

#include "core/config.h"
#include "core/error.h"

namespace s2i {
namespace {

/// Calls visit with a default of each type in turn.
template <typename Visitor, size_t... index>
void for_each_type(Visitor&& visit, std::index_sequence<index...> /*all*/) {
  (visit(std::variant_alternative_t<index, AnyEncoderConfig>{}), ...);
}

template <typename Visitor>
void for_each_type(Visitor&& visit) {
  for_each_type(visit, std::make_index_sequence<std::variant_size_v<AnyEncoderConfig>>{});
}

}  // namespace

EncoderType::EncoderType(std::string_view model_type, std::string_view where) {
  bool found = false;
  for_each_type([&](const auto& type) {
    if (type.kModelType != model_type) return;
    config_ = type;
    found = true;
  });
  if (found) return;
  throw UserError("{}: \"model_type\" is \"{}\", which is not supported; supported are {}", where,
                  model_type, fmt::join(names(), ", "));
}

std::vector<std::string> EncoderType::names() {
  std::vector<std::string> names;
  for_each_type([&](const auto& type) { names.emplace_back(type.kModelType); });
  return names;
}

std::string EncoderType::name() const {
  return std::visit([](const auto& type) { return std::string(type.kModelType); }, config_);
}

std::string EncoderType::classifier_class() const {
  return std::visit([](const auto& type) { return std::string(type.kClassName); }, config_) +
         "ForSequenceClassification";
}

void EncoderType::read(const Json& json, std::string_view where) {
  std::visit([&](auto& type) { type.read(json, where); }, config_);
}

void EncoderType::write(OrderedJson& json) const {
  std::visit([&](const auto& type) { type.write(json); }, config_);
}

std::vector<std::string> EncoderType::shape_differences(const EncoderType& saved,
                                                        const EncoderType& wanted) {
  if (saved.name() != wanted.name()) {
    return {fmt::format("model_type: \"{}\" -> \"{}\"", saved.name(), wanted.name())};
  }
  return std::visit(
      [&]<typename Type>(const Type& type) {
        return Type::shape_differences(type, std::get<Type>(wanted.config_));
      },
      saved.config_);
}

void EncoderType::check(const EncoderConfig& body, std::string_view where) const {
  std::visit([&](const auto& type) { type.check(body, where); }, config_);
}

void EncoderType::set_body(EncoderConfig& body) const {
  std::visit([&](const auto& type) { type.set_body(body); }, config_);
}

EncoderConfig EncoderType::body_of_shape(const std::string& shape) const {
  EncoderConfig body = EncoderConfig::of_shape(shape);
  set_body(body);
  std::visit([&](const auto& type) { type.set_shape(shape, body); }, config_);
  return body;
}

bool EncoderType::normalizes_audio(const std::string& shape) const {
  return std::visit([&](const auto& type) { return type.normalizes_audio(shape); }, config_);
}

double EncoderType::approximate_parameters(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.approximate_parameters(body); }, config_);
}

double EncoderType::attention_flop_per_frame(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.attention_flop_per_frame(body); }, config_);
}

}  // namespace s2i
