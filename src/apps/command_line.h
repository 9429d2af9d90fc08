// What the command lines of all programs share.
#pragma once

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "core/choices.h"
#include "core/decimal_options.h"
#include "core/program.h"
#include "core/standard_output.h"

namespace s2i {

/// Parses the command line; returns whether the program continues. If not, `status` is its exit
/// status: 0 after --help or --version, 2 for an invalid command line.
inline bool parse_command_line(CLI::App& app, int argc, char** argv, int& status) {
  app.set_version_flag("--version", version_text(app.get_name()));
  require_decimal_options(app);
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    std::ostringstream output;  // write_output() reports what cannot be written
    status = app.exit(error, output, std::cerr) == 0 ? kExitDone : kExitUsage;
    write_output(output.str());
    return false;
  }
}

/// An option whose value is one of the choices; `value` holds the default.
template <typename T, size_t N>
CLI::Option* add_choice(CLI::App& app, const std::string& name, T& value,
                        const std::array<Choice<T>, N>& choices, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name, [&value, choices](const std::string& text) { value = choice_value(choices, text); },
          help)
      ->check(CLI::IsMember(choice_names(choices)))
      ->default_str(choice_name(choices, value));
}

/// Shown as the default of options that the model decides.
inline constexpr const char* kAsTrained = "as in the training of the model";

/// The same for an option that the model decides if it is not given.
template <typename T, size_t N>
CLI::Option* add_choice(CLI::App& app, const std::string& name, std::optional<T>& value,
                        const std::array<Choice<T>, N>& choices, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name, [&value, choices](const std::string& text) { value = choice_value(choices, text); },
          help)
      ->check(CLI::IsMember(choice_names(choices)))
      ->default_str(kAsTrained);
}

}  // namespace s2i
