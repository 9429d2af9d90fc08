#include "encoders/encoder_type.h"

#include <utility>

#include "core/error.h"
#include "nn/config_members.h"

namespace s2i {
namespace {

/// Calls visit with a default of each type in turn.
template <typename Visitor, size_t... index>
void for_each_type(Visitor&& visit, std::index_sequence<index...> /*all*/) {
  (visit(std::variant_alternative_t<index, AnyEncoder>{}), ...);
}

template <typename Visitor>
void for_each_type(Visitor&& visit) {
  for_each_type(visit, std::make_index_sequence<std::variant_size_v<AnyEncoder>>{});
}

}  // namespace

EncoderType::EncoderType(std::string_view model_type, std::string_view where) {
  bool found = false;
  for_each_type([&](const auto& type) {
    if (type.kModelType != model_type) return;
    encoder_ = type;
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
  return std::visit([](const auto& type) { return std::string(type.kModelType); }, encoder_);
}

std::string EncoderType::classifier_class() const {
  return std::visit([](const auto& type) { return std::string(type.kClassName); }, encoder_) +
         "ForSequenceClassification";
}

void EncoderType::read(const Json& json, std::string_view where) {
  std::visit(
      [&](auto& type) {
        type.refuse_unsupported(json, where);
        read_members(json, type, where);
      },
      encoder_);
}

void EncoderType::write(OrderedJson& json) const {
  std::visit([&](const auto& type) { write_members(type, json); }, encoder_);
}

std::vector<std::string> EncoderType::shape_differences(const EncoderType& saved,
                                                        const EncoderType& wanted) {
  if (saved.name() != wanted.name()) {
    return {fmt::format("model_type: \"{}\" -> \"{}\"", saved.name(), wanted.name())};
  }
  return std::visit(
      [&]<typename Type>(const Type& type) {
        return member_differences(type, std::get<Type>(wanted.encoder_));
      },
      saved.encoder_);
}

void EncoderType::check(const EncoderConfig& body, std::string_view where) const {
  std::visit([&](const auto& type) { type.check(body, where); }, encoder_);
}

void EncoderType::set_body(EncoderConfig& body) const {
  std::visit([&](const auto& type) { type.set_body(body); }, encoder_);
}

EncoderConfig EncoderType::body_of_shape(const std::string& shape) const {
  EncoderConfig body = EncoderConfig::of_shape(shape);
  set_body(body);
  std::visit([&](const auto& type) { type.set_shape(shape, body); }, encoder_);
  return body;
}

bool EncoderType::normalizes_audio(const std::string& shape) const {
  return std::visit([&](const auto& type) { return type.normalizes_audio(shape); }, encoder_);
}

double EncoderType::approximate_parameters(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.approximate_parameters(body); }, encoder_);
}

double EncoderType::attention_flop_per_frame(const EncoderConfig& body) const {
  return std::visit([&](const auto& type) { return type.attention_flop_per_frame(body); },
                    encoder_);
}

std::vector<std::string> EncoderType::training_notes() const {
  return std::visit([](const auto& type) { return type.training_notes(); }, encoder_);
}

}  // namespace s2i
