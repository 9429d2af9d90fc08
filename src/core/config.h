// Configuration: typed fields bound to plain structs, read from YAML, overridden by key=value, and
// written back whole. A struct lists its fields once, with the documentation of each; nobody looks
// a setting up by string later.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace s2i {

/// Where a field's value lives.
using ConfigValue = std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*>;

/// One setting: its dotted key ("optimizer.learning_rate"), where it lives, what it means (with its
/// unit), and, for texts, the choices.
struct ConfigField {
  std::string key;
  ConfigValue value;
  std::string help;
  std::vector<std::string> choices = {};
  /// Numbers only: inclusive limits.
  double minimum = -1e300;
  double maximum = 1e300;
};

using ConfigFields = std::vector<ConfigField>;

/// Reads a YAML file of nested maps into the fields. Refuses an unknown key (naming the nearest
/// known one), a value of the wrong type, out of its limits or not among its choices, and a key
/// given twice. Throws UserError with file and line.
void load_config(ConfigFields& fields, const std::filesystem::path& path);

/// The same from text; `where` stands in the messages.
void load_config_text(ConfigFields& fields, const std::string& text, const std::string& where);

/// Applies "key=value" from a command line; the value is YAML. Throws UserError.
void override_config(ConfigFields& fields, const std::string& assignment);

/// The whole configuration as YAML, each field with its help as a comment if `with_help`.
std::string config_text(const ConfigFields& fields, bool with_help = false);

/// The value of one field as text, a text without quotes. Throws UserError for an unknown key.
std::string config_value(const ConfigFields& fields, const std::string& key);

/// key -> value as text, in the order of the fields: to compare two configurations.
std::vector<std::pair<std::string, std::string>> config_entries(const ConfigFields& fields);

/// The candidate nearest to `word` by edit distance, or "" when none is near. For suggestions.
std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace s2i
