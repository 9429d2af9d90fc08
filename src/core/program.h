// What every program shares: logging to standard error, and errors as one line and an exit status.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <string>

namespace s2i {

/// Exit statuses, the same for every program.
constexpr int kExitDone = 0;
constexpr int kExitRunFailed = 1;
constexpr int kExitUsage = 2;
/// 128 + signal: stopped by a signal after saving.
constexpr int kExitSignalBase = 128;

/// The version of the project, as --version prints it.
std::string version_text(const std::string& program);

/// Sends the log to standard error, one line a message. A rank other than 0 logs warnings and
/// errors alone, stamped with its number. Levels: trace, debug, info, warn, error.
void set_up_logging(spdlog::level::level_enum level, int rank = 0, int world_size = 1);

/// Runs `body` and turns what it throws into one line on standard error and an exit status:
/// UserError 2, any other exception 1.
int run_program(const std::function<int()>& body);

}  // namespace s2i
