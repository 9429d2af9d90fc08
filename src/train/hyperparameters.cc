#include "train/hyperparameters.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace s2i {
namespace {

bool is_hyperparameter(const std::string& key) {
  if (key == "run.seed") return true;
  constexpr std::array<std::string_view, 3> kOthers = {"run.", "cluster.", "checkpoint."};
  return std::ranges::none_of(kOthers, [&](auto group) { return key.starts_with(group); });
}

}  // namespace

std::vector<tensorboard::HParam> hyperparameters(const ConfigFields& fields) {
  std::vector<tensorboard::HParam> all;
  for (const ConfigField& field : fields) {
    if (!is_hyperparameter(field.key)) continue;
    tensorboard::HParam setting{field.key, config_value(fields, field.key)};
    if (const auto* flag = std::get_if<bool*>(&field.value)) setting.value = **flag;
    if (const auto* whole = std::get_if<int64_t*>(&field.value)) {
      setting.value = static_cast<double>(**whole);
    }
    if (const auto* number = std::get_if<double*>(&field.value)) setting.value = **number;
    all.push_back(std::move(setting));
  }
  return all;
}

}  // namespace s2i
