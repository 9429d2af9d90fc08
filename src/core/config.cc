#include "core/config.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>
#include <type_traits>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxConfigBytes = 1 << 20;

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string place(const std::string& where, const YAML::Mark& mark) {
  return mark.is_null() ? where : fmt::format("{}:{}", where, mark.line + 1);
}

const char* type_name(const ConfigValue& value) {
  constexpr const char* kNames[] = {"true or false", "a whole number", "a number", "a text",
                                    "a list of texts"};
  return kNames[value.index()];
}

/// Refuses, before anything is built, what no configuration needs and what can make a small file
/// cost much: aliases, which multiply what they name, and deep nesting.
class PlainYaml : public YAML::EventHandler {
 public:
  explicit PlainYaml(const std::string& where) : where_(where) {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw UserError("{}: an alias (*name); write the value out", place(where_, mark));
  }
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    descend(mark);
  }
  void OnSequenceEnd() override { --depth_; }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    descend(mark);
  }
  void OnMapEnd() override { --depth_; }

 private:
  void descend(const YAML::Mark& mark) {
    constexpr int kMaxDepth = 16;
    if (++depth_ > kMaxDepth) {
      throw UserError("{}: nested deeper than {}", place(where_, mark), kMaxDepth);
    }
  }

  const std::string& where_;
  int depth_ = 0;
};

/// The one document of a text. Throws UserError.
YAML::Node parse_yaml(const std::string& text, const std::string& where) {
  if (text.size() > kMaxConfigBytes) {
    throw UserError("{}: larger than the limit of {} bytes", where, kMaxConfigBytes);
  }
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    PlainYaml events(where);
    if (parser.HandleNextDocument(events) && parser.HandleNextDocument(events)) {
      throw UserError("{}: more than one document ('---'); keep one", where);
    }
    return YAML::Load(text);
  } catch (const YAML::Exception& error) {
    throw UserError("{}: not valid YAML: {}", place(where, error.mark), error.msg);
  }
}

[[noreturn]] void fail_value(const ConfigField& field, const YAML::Node& node,
                             const std::string& where, const std::string& wanted) {
  const std::string given = node.IsScalar() ? node.Scalar() : YAML::Dump(node);
  throw UserError("{}: {} is '{}' but must be {}", place(where, node.Mark()), field.key, given,
                  wanted);
}

/// Whole numbers may be written 1000 or 1e3; never 1.5.
int64_t parse_whole(const YAML::Node& node) {
  int64_t whole = 0;
  if (YAML::convert<int64_t>::decode(node, whole)) return whole;
  const auto number = node.as<double>();
  if (number != std::floor(number) || std::abs(number) > 9e15)
    throw YAML::BadConversion(node.Mark());
  return static_cast<int64_t>(number);
}

void check_limits(const ConfigField& field, double number, const YAML::Node& node,
                  const std::string& where) {
  if (number >= field.minimum && number <= field.maximum) return;
  std::string wanted = type_name(field.value);
  if (field.minimum > -1e300) wanted += fmt::format(", at least {}", field.minimum);
  if (field.maximum < 1e300) wanted += fmt::format(", at most {}", field.maximum);
  fail_value(field, node, where, wanted);
}

void assign(const ConfigField& field, const YAML::Node& node, const std::string& where) {
  try {
    std::visit(
        [&](auto* target) {
          using T = std::remove_pointer_t<decltype(target)>;
          if constexpr (std::is_same_v<T, int64_t>) {
            const int64_t whole = parse_whole(node);
            check_limits(field, static_cast<double>(whole), node, where);
            *target = whole;
          } else if constexpr (std::is_same_v<T, double>) {
            const auto number = node.as<double>();
            if (!std::isfinite(number)) fail_value(field, node, where, "a finite number");
            check_limits(field, number, node, where);
            *target = number;
          } else if constexpr (std::is_same_v<T, std::string>) {
            const std::string text = node.IsNull() ? "" : node.as<std::string>();
            if (!field.choices.empty() && std::find(field.choices.begin(), field.choices.end(),
                                                    text) == field.choices.end()) {
              fail_value(field, node, where,
                         fmt::format("one of {}", fmt::join(field.choices, ", ")));
            }
            *target = text;
          } else {
            *target = node.as<T>();
          }
        },
        field.value);
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
      assign(find_field(fields, key, at), entry.second, where);
    }
  }
}

/// The shortest text that reads back as the same number, always with a point or an exponent.
std::string number_text(double number) {
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string value_text(const ConfigValue& value) {
  return std::visit(
      [](const auto* target) -> std::string {
        using T = std::remove_const_t<std::remove_pointer_t<decltype(target)>>;
        if constexpr (std::is_same_v<T, bool>) return *target ? "true" : "false";
        if constexpr (std::is_same_v<T, int64_t>) return fmt::format("{}", *target);
        if constexpr (std::is_same_v<T, double>) return number_text(*target);
        YAML::Emitter emitter;
        emitter << YAML::Flow;
        if constexpr (std::is_same_v<T, std::string>) {
          emitter << YAML::DoubleQuoted << *target;
        } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
          emitter << *target;
        }
        return emitter.c_str();
      },
      value);
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kLongestWord = 256;  // the distance takes the product of the lengths
  if (word.size() > kLongestWord) return "";
  const auto last_part = [](std::string_view key) {
    const size_t dot = key.rfind('.');
    return dot == std::string_view::npos ? key : key.substr(dot + 1);
  };
  std::string best;
  size_t best_distance = SIZE_MAX;
  for (const auto& candidate : candidates) {
    // A key under the wrong group is as likely as a misspelt one.
    const size_t distance = std::min(edit_distance(word, candidate),
                                     edit_distance(last_part(word), last_part(candidate)) + 1);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best_distance <= std::max<size_t>(2, last_part(word).size() / 3) ? best : "";
}

void load_config_text(ConfigFields& fields, const std::string& text, const std::string& where) {
  const YAML::Node root = parse_yaml(text, where);
  if (root.IsNull()) return;
  if (!root.IsMap()) throw UserError("{}: must hold settings such as 'train:'", where);
  std::set<std::string> seen;
  read_map(fields, root, "", where, seen);
}

void load_config(ConfigFields& fields, const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    throw UserError("no configuration file {}; the project's own are in configs/", path.string());
  }
  load_config_text(fields, read_file(path, kMaxConfigBytes), path.string());
}

void override_config(ConfigFields& fields, const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) {
    throw UserError("command line: '{}' is not of the form key=value", assignment);
  }
  const std::string key = assignment.substr(0, equals);
  const ConfigField& field = find_field(fields, key, "command line");
  const std::string where = "command line, value of " + key;
  assign(field, parse_yaml(assignment.substr(equals + 1), where), "command line");
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
  return value_text(value);
}

std::vector<std::pair<std::string, std::string>> config_entries(const ConfigFields& fields) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& field : fields) entries.emplace_back(field.key, value_text(field.value));
  return entries;
}

}  // namespace s2i
