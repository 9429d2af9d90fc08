// Configuration: typed fields bound to plain structs, read from YAML, overridden by key=value, and
// written back as YAML. A struct declares each of its fields once, with its documentation; after
// that no setting is looked up by name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/choices.h"

namespace s2i {

/// A value of a type of its own, such as an enum, that is read from and written as one text.
struct ConfigText {
  std::function<std::string()> get;
  /// Throws UserError when the text is not valid: "is 'x' but must be ...".
  std::function<void(const std::string& text)> set;
};

/// Where a field's value lives.
using ConfigValue =
    std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*, ConfigText>;

/// One setting.
struct ConfigField {
  /// `help` in one line, with the unit. What `value` refers to outlives the field.
  ConfigField(std::string dotted_key, ConfigValue bound_value, std::string help_text)
      : key(std::move(dotted_key)), value(std::move(bound_value)), help(std::move(help_text)) {}

  /// Inclusive limits of a number.
  ConfigField& range(double lowest, double highest);
  ConfigField& at_least(double lowest);
  /// The texts that are valid; help lists them.
  ConfigField& one_of(std::vector<std::string> texts);
  /// A run may be resumed with another value: the setting does not influence what is computed.
  /// Without this, resuming is refused when the value differs from the checkpoint's.
  ConfigField& may_change_on_resume();

  std::string key;  ///< Dotted: "optimizer.learning_rate".
  ConfigValue value;
  std::string help;
  std::vector<std::string> choices;
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool changeable_on_resume = false;
};

using ConfigFields = std::vector<ConfigField>;

/// A field whose value is one of the choices.
template <typename T, size_t N>
ConfigField choice_field(std::string key, T& value, const std::array<Choice<T>, N>& choices,
                         std::string help) {
  ConfigField field(
      std::move(key),
      ConfigText{[&value, choices] { return choice_name(choices, value); },
                 [&value, choices](const auto& text) { value = choice_value(choices, text); }},
      std::move(help));
  field.one_of(choice_names(choices));
  return field;
}

/// A field whose value is an entry of a registry: a type with `name` and `help`.
template <typename T>
ConfigField registry_field(std::string key, T& value, const std::vector<T>& registry,
                           std::string help) {
  std::vector<std::string> names;
  for (const T& entry : registry) {
    help += fmt::format("{} {}: {}", names.empty() ? "." : ";", entry.name, entry.help);
    names.emplace_back(entry.name);
  }
  const auto set = [&value, &registry](const std::string& name) {
    for (const T& entry : registry) {
      if (entry.name == name) value = entry;
    }
  };
  ConfigField field(std::move(key), ConfigText{[&value] { return std::string(value.name); }, set},
                    std::move(help));
  field.one_of(std::move(names));
  return field;
}

/// Reads a YAML file of nested maps into the fields. Refuses an unknown key (suggesting the nearest
/// known one), a value of the wrong type, out of its range or not among its choices, and a key
/// given twice. Returns the keys that it sets. Throws UserError with file and line.
std::set<std::string> load_config(ConfigFields& fields, const std::filesystem::path& path);

/// The same from text; `where` names it in messages.
std::set<std::string> load_config_text(ConfigFields& fields, const std::string& text,
                                       const std::string& where);

/// Applies "key=value" from a command line; the value of a text is taken as it stands,
/// that of a list is YAML. Returns the key. Throws UserError.
std::string override_config(ConfigFields& fields, const std::string& assignment);

/// The whole configuration as YAML, each field with its help as a comment if `with_help`.
std::string config_text(const ConfigFields& fields, bool with_help = false);

/// The value of one field as text, strings without quotes. Throws UserError for an unknown key.
std::string config_value(const ConfigFields& fields, const std::string& key);

/// A setting as text, to compare two configurations.
struct ConfigEntry {
  std::string key = {};
  std::string value = {};
  bool may_change_on_resume = false;

  friend bool operator==(const ConfigEntry&, const ConfigEntry&) = default;
};

/// All settings in the order of the fields.
std::vector<ConfigEntry> config_entries(const ConfigFields& fields);

/// The settings of a file, whatever program version they are of, in the order of the file. Throws
/// UserError or RunError.
std::vector<ConfigEntry> read_config_entries(const std::filesystem::path& path);

}  // namespace s2i
