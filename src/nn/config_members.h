// Reading, writing and comparing the members of config.json that a struct of settings names once.
//
// The struct has two static function templates that call visit(key, value) for each member:
// visit_shape for those that decide the model's tensors and what it computes, visit_training for
// those that only say how it is trained.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/json.h"

namespace s2i {

/// A member that is missing or null keeps its value. Throws UserError for one of the wrong type.
template <typename Config>
void read_members(const Json& json, Config& config, std::string_view where) {
  const auto read = [&]<typename T>(const char* key, T& value) {
    value = json_get_or<T>(json, key, value, where);
  };
  Config::visit_shape(config, read);
  Config::visit_training(config, read);
}

template <typename Config>
void write_members(const Config& config, OrderedJson& json) {
  const auto write = [&](const char* key, const auto& value) { json[key] = value; };
  Config::visit_shape(config, write);
  Config::visit_training(config, write);
}

/// "key: saved -> wanted" for each member of the shape that differs.
template <typename Config>
std::vector<std::string> member_differences(const Config& saved, const Config& wanted) {
  OrderedJson before = OrderedJson::object();
  std::vector<std::string> differences;
  Config::visit_shape(saved, [&](const char* key, const auto& value) { before[key] = value; });
  Config::visit_shape(wanted, [&](const char* key, const auto& value) {
    const OrderedJson after = value;
    if (before[key] == after) return;
    differences.push_back(fmt::format("{}: {} -> {}", key, before[key].dump(), after.dump()));
  });
  return differences;
}

}  // namespace s2i
