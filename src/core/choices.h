// Named choices: the values of an enum, and entries of a registry, by the name that a configuration
// or a command line gives.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace s2i {

template <typename T>
struct Choice {
  const char* name;
  T value;
};

/// The names in the order of the list.
template <typename T, size_t N>
std::vector<std::string> choice_names(const std::array<Choice<T>, N>& choices) {
  std::vector<std::string> names;
  for (const auto& choice : choices) names.emplace_back(choice.name);
  return names;
}

/// The name of `value`, which is in the list.
template <typename T, size_t N>
std::string choice_name(const std::array<Choice<T>, N>& choices, const T& value) {
  for (const auto& choice : choices) {
    if (choice.value == value) return choice.name;
  }
  S2I_CHECK(false, "a value without a name");
}

/// The value with that name. Throws UserError listing the names.
template <typename T, size_t N>
const T& choice_value(const std::array<Choice<T>, N>& choices, std::string_view name) {
  for (const auto& choice : choices) {
    if (choice.name == name) return choice.value;
  }
  throw UserError("is '{}' but must be one of {}", name, fmt::join(choice_names(choices), ", "));
}

}  // namespace s2i
