// YAML text as a document, with limits. For config.cc alone: the rest of the project sees no
// yaml-cpp.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>

namespace s2i {

constexpr uint64_t kMaxYamlBytes = 1 << 20;

/// The only document of a text. Refuses more than one document, aliases, nesting deeper than 16,
/// and text over kMaxYamlBytes. `where` names the text in messages. Throws UserError.
YAML::Node parse_yaml(const std::string& text, const std::string& where);

/// "file:line", or `where` without a line when the mark is of no text.
std::string place(const std::string& where, const YAML::Mark& mark);

}  // namespace s2i
