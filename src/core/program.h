// Logging to standard error, exit statuses, and errors as one line on standard error: the same for
// every program.
#pragma once

#include <spdlog/spdlog.h>

#include <functional>
#include <string>

namespace s2i {

/// Exit statuses.
constexpr int kExitDone = 0;
constexpr int kExitRunFailed = 1;
constexpr int kExitUsage = 2;
/// Plus the signal number: stopped by a signal after saving.
constexpr int kExitSignalBase = 128;

/// The program and the version of the project, as --version prints them.
std::string version_text(const std::string& program);

/// Sends the log to standard error, one line per message with the time in UTC. With several ranks
/// each line has the rank; ranks other than 0 only log warnings and errors.
void set_up_logging(spdlog::level::level_enum level, int rank = 0, int world_size = 1);

/// An exit status and its message.
struct Failure {
  int status = kExitRunFailed;
  std::string message;
};

/// Of the std::exception that is being handled: call it in a catch block.
Failure current_failure();

/// Runs `body` and returns its exit status. An exception is logged as one line on standard error
/// and returned as exit status 2 (UserError) or 1 (any other). Output that could not be written
/// makes a successful program fail with status 1.
int run_program(const std::function<int()>& body);

}  // namespace s2i
