#include "core/config.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/nearest_name.h"
#include "core/parse_number.h"
#include "core/yaml.h"

namespace s2i {
namespace {

const char* type_name(const ConfigValue& value) {
  constexpr const char* kNames[] = {"true or false", "a whole number",  "a number",
                                    "a text",        "a list of texts", "a text"};
  return kNames[value.index()];
}

[[noreturn]] void fail_value(const ConfigField& field, const YAML::Node& node,
                             const std::string& where, const std::string& wanted) {
  const std::string given = node.IsScalar() ? node.Scalar() : YAML::Dump(node);
  throw UserError("{}: {} is '{}' but must be {}", place(where, node.Mark()), field.key, given,
                  wanted);
}

/// A leading ~ would name a folder "~": only a shell expands it, and not after key=.
void refuse_tilde(const ConfigField& field, const std::string& text, const std::string& where) {
  if (text != "~" && !text.starts_with("~/")) return;
  throw UserError(
      "{}: {} is '{}', but ~ is not expanded here; write the whole path "
      "(on the command line: \"$HOME/...\")",
      where, field.key, text);
}

void check_limits(const ConfigField& field, double number, const YAML::Node& node,
                  const std::string& where) {
  if (number >= field.minimum && number <= field.maximum) return;
  std::string wanted = type_name(field.value);
  if (std::isfinite(field.minimum)) wanted += fmt::format(", at least {}", field.minimum);
  if (std::isfinite(field.maximum)) wanted += fmt::format(", at most {}", field.maximum);
  fail_value(field, node, where, wanted);
}

/// Reads a YAML node into the value of a field.
struct ValueReader {
  const ConfigField& field;
  const YAML::Node& node;
  const std::string& where;

  void operator()(bool* target) const { *target = node.as<bool>(); }
  void operator()(int64_t* target) const {
    const auto whole = parse_whole(scalar());
    if (!whole) fail_value(field, node, where, type_name(field.value));
    check_limits(field, static_cast<double>(*whole), node, where);
    *target = *whole;
  }
  void operator()(double* target) const {
    const auto number = parse_decimal(scalar());
    if (!number || !std::isfinite(*number)) fail_value(field, node, where, "a finite number");
    check_limits(field, *number, node, where);
    *target = *number;
  }
  void operator()(std::string* target) const {
    std::string value = text();
    refuse_tilde(field, value, place(where, node.Mark()));
    *target = std::move(value);
  }
  void operator()(std::vector<std::string>* target) const {
    *target = node.as<std::vector<std::string>>();
  }
  void operator()(const ConfigText& target) const {
    try {
      target.set(text());
    } catch (const UserError& error) {
      throw UserError("{}: {} {}", place(where, node.Mark()), field.key, error.what());
    }
  }

 private:
  std::string scalar() const {
    if (!node.IsScalar()) throw YAML::BadConversion(node.Mark());
    return node.Scalar();
  }

  std::string text() const {
    std::string value = node.IsNull() ? "" : node.as<std::string>();
    if (!field.choices.empty() && std::ranges::find(field.choices, value) == field.choices.end()) {
      fail_value(field, node, where, fmt::format("one of {}", fmt::join(field.choices, ", ")));
    }
    return value;
  }
};

void assign(const ConfigField& field, const YAML::Node& node, const std::string& where) {
  try {
    std::visit(ValueReader{field, node, where}, field.value);
  } catch (const YAML::Exception&) {
    fail_value(field, node, where, type_name(field.value));
  }
}

const ConfigField& find_field(const ConfigFields& fields, const std::string& key,
                              const std::string& where) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const ConfigField& field) { return field.key == key; });
  if (found != fields.end()) return *found;
  std::vector<std::string> keys;
  keys.reserve(fields.size());
  for (const auto& field : fields) keys.push_back(field.key);
  const std::string near = nearest_name(key, keys);
  throw UserError(
      "{}: unknown key '{}'{}", where, key,
      near.empty() ? "; --help-config lists all" : fmt::format("; did you mean '{}'?", near));
}

bool is_group(const ConfigFields& fields, const std::string& key) {
  const std::string prefix = key + ".";
  return std::any_of(fields.begin(), fields.end(), [&](const ConfigField& field) {
    return field.key.compare(0, prefix.size(), prefix) == 0;
  });
}

/// "key:" without a value, or with null, which only a text may be.
void refuse_empty(const ConfigField& field, const YAML::Node& node, const std::string& at) {
  const bool may_be_empty =
      field.choices.empty() && (std::holds_alternative<std::string*>(field.value) ||
                                std::holds_alternative<ConfigText>(field.value));
  if (!node.IsNull() || may_be_empty) return;
  throw UserError("{}: {} is empty but must be {}; remove the line for the default", at, field.key,
                  field.choices.empty() ? type_name(field.value)
                                        : fmt::format("one of {}", fmt::join(field.choices, ", ")));
}

/// `seen` has the keys of the whole file: "a: {b: 1}" and "a.b: 1" are the same setting.
void read_map(const ConfigFields& fields, const YAML::Node& map, const std::string& prefix,
              const std::string& where, std::set<std::string>& seen) {
  for (const auto& entry : map) {
    const std::string name = entry.first.as<std::string>("");
    const std::string key = prefix.empty() ? name : fmt::format("{}.{}", prefix, name);
    const std::string at = place(where, entry.first.Mark());
    if (!seen.insert(key).second) throw UserError("{}: the key '{}' twice", at, key);
    if (is_group(fields, key)) {
      if (entry.second.IsNull()) continue;
      if (!entry.second.IsMap()) throw UserError("{}: '{}' must hold settings", at, key);
      read_map(fields, entry.second, key, where, seen);
    } else {
      const ConfigField& field = find_field(fields, key, at);
      refuse_empty(field, entry.second, at);
      assign(field, entry.second, where);
    }
  }
}

/// The shortest text that reads back as the same number, always with a point or an exponent.
std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string quoted(const std::string& text) {
  YAML::Emitter emitter;
  emitter << YAML::DoubleQuoted << text;
  return emitter.c_str();
}

std::string flow_list(const std::vector<std::string>& texts) {
  YAML::Emitter emitter;
  emitter << YAML::Flow << texts;
  return emitter.c_str();
}

/// As YAML.
std::string value_text(const ConfigValue& value) {
  struct Writer {
    std::string operator()(const bool* target) { return *target ? "true" : "false"; }
    std::string operator()(const int64_t* target) { return fmt::format("{}", *target); }
    std::string operator()(const double* target) { return number_text(*target); }
    std::string operator()(const std::string* target) { return quoted(*target); }
    std::string operator()(const std::vector<std::string>* target) { return flow_list(*target); }
    std::string operator()(const ConfigText& target) { return quoted(target.get()); }
  };
  return std::visit(Writer(), value);
}

}  // namespace

ConfigField& ConfigField::range(double lowest, double highest) {
  minimum = lowest;
  maximum = highest;
  return *this;
}

ConfigField& ConfigField::at_least(double lowest) {
  minimum = lowest;
  return *this;
}

ConfigField& ConfigField::one_of(std::vector<std::string> texts) {
  choices = std::move(texts);
  return *this;
}

ConfigField& ConfigField::may_change_on_resume() {
  changeable_on_resume = true;
  return *this;
}

std::set<std::string> load_config_text(ConfigFields& fields, const std::string& text,
                                       const std::string& where) {
  const YAML::Node root = parse_yaml(text, where);
  if (root.IsNull()) return {};
  if (!root.IsMap()) throw UserError("{}: must hold settings such as 'train:'", where);
  std::set<std::string> seen;
  read_map(fields, root, "", where, seen);
  return seen;
}

std::set<std::string> load_config(ConfigFields& fields, const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw UserError("no configuration file {}; the project's own are in configs/",
                    path_and_origin(path));
  }
  return load_config_text(fields, read_file(path, kMaxYamlBytes), path.string());
}

std::string override_config(ConfigFields& fields, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UserError("command line: '{}' is not of the form key=value", assignment);
  }
  const std::string key = assignment.substr(0, equals);
  const ConfigField& field = find_field(fields, key, "command line");
  const std::string where = "command line, value of " + key;
  // The value is the text as it stands, not YAML: a path may hold " #", ": " or brackets.
  const std::string value = assignment.substr(equals + 1);
  const bool is_list = std::holds_alternative<std::vector<std::string>*>(field.value);
  assign(field, is_list ? parse_yaml(value, where) : YAML::Node(value), "command line");
  return key;
}

std::string config_text(const ConfigFields& fields, bool with_help) {
  std::string text;
  std::string group;
  for (const auto& field : fields) {
    const size_t dot = field.key.find('.');
    const bool nested = dot != std::string::npos;
    const std::string this_group = nested ? field.key.substr(0, dot) : "";
    if (nested && this_group != group) text += this_group + ":\n";
    group = this_group;
    const std::string indent = nested ? "  " : "";
    if (with_help) {
      text += fmt::format("{}# {}", indent, field.help);
      if (!field.choices.empty()) text += fmt::format(" ({})", fmt::join(field.choices, ", "));
      text += "\n";
    }
    text += fmt::format("{}{}: {}\n", indent, nested ? field.key.substr(dot + 1) : field.key,
                        value_text(field.value));
  }
  return text;
}

std::string config_value(const ConfigFields& fields, const std::string& key) {
  const ConfigValue& value = find_field(fields, key, "command line").value;
  if (auto* const* text = std::get_if<std::string*>(&value)) return **text;
  if (const auto* text = std::get_if<ConfigText>(&value)) return text->get();
  return value_text(value);
}

std::vector<ConfigEntry> config_entries(const ConfigFields& fields) {
  std::vector<ConfigEntry> entries;
  entries.reserve(fields.size());
  for (const auto& field : fields) {
    entries.push_back({field.key, value_text(field.value), field.changeable_on_resume});
  }
  return entries;
}

namespace {

void append_entries(const YAML::Node& node, const std::string& prefix, const std::string& where,
                    std::vector<ConfigEntry>& entries) {
  for (const auto& entry : node) {
    if (!entry.first.IsScalar()) {
      throw UserError("{}: the name of a setting must be a text", place(where, entry.first.Mark()));
    }
    const std::string key = prefix + entry.first.Scalar();
    if (entry.second.IsMap()) {
      append_entries(entry.second, key + ".", where, entries);
    } else {
      entries.push_back(
          {key, entry.second.IsScalar() ? entry.second.Scalar() : YAML::Dump(entry.second)});
    }
  }
}

}  // namespace

std::vector<ConfigEntry> read_config_entries(const std::filesystem::path& path) {
  const YAML::Node root = parse_yaml(read_file(path, kMaxYamlBytes), path.string());
  std::vector<ConfigEntry> entries;
  if (root.IsMap()) append_entries(root, "", path.string(), entries);
  return entries;
}

}  // namespace s2i
