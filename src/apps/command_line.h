// What the programs' command lines share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/program.h"

namespace s2i {

/// Parses; true when the program should go on. Otherwise `status` is what main returns: 0 after
/// --help or --version, 2 for a command line that is wrong.
inline bool parse_command_line(CLI::App& app, int argc, char** argv, int& status) {
  app.set_version_flag("--version", version_text(app.get_name()));
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    status = app.exit(error) == 0 ? kExitDone : kExitUsage;
    return false;
  }
}

}  // namespace s2i
