// Numbers of a command line read as decimal ones, as in configuration files. Header only, so that
// no library depends on CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/parse_number.h"

namespace s2i {

/// CLI11 takes 010 for 8 and 0x10 for 16. Makes every numeric option of the program and its
/// subcommands decimal; call it after all options are added and before parsing.
inline void require_decimal_options(CLI::App& app) {
  const CLI::Validator whole(
      [](std::string& text) -> std::string {
        const auto number = parse_whole(text);
        if (!number) return "'" + text + "' is not a whole decimal number";
        text = std::to_string(*number);
        return "";
      },
      "");
  const CLI::Validator decimal(
      [](std::string& text) -> std::string {
        return parse_decimal(text) ? "" : "'" + text + "' is not a decimal number";
      },
      "");
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.find("SIZE") != std::string::npos) continue;  // CLI::AsSizeValue: "4K"
    // transform() puts it before the range checks.
    if (type.starts_with("INT") || type.starts_with("UINT")) option->transform(whole);
    if (type.starts_with("FLOAT")) option->transform(decimal);
  }
  for (CLI::App* command : app.get_subcommands({})) require_decimal_options(*command);
}

}  // namespace s2i
