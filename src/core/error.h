// Error types: UserError for wrong input, RunError for a failed run, S2I_CHECK for broken
// invariants. core/program.h turns each into one line on standard error and an exit status.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace s2i {

/// The command line, the configuration or an input is wrong. The message states the problem, where
/// it is and how to fix it. The program exits with status 2.
class UserError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  template <typename... Args>
  explicit UserError(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// The run failed for a reason other than its input: a missing file, a full disk, a dead rank. The
/// message states the problem, where it is and how to fix it. The program exits with status 1.
class RunError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  template <typename... Args>
  explicit RunError(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

/// Reports a violated invariant (a bug in the program). Throws std::logic_error.
[[noreturn]] void fail_check(const char* condition, const char* file, int line,
                             const std::string& message);

/// The message for an errno value, e.g. "No space left on device".
std::string errno_text(int error_number);

}  // namespace s2i

/// Checks an invariant of the program. Do not use it to validate input. Throws std::logic_error.
#define S2I_CHECK(condition, ...)                                                       \
  do {                                                                                  \
    if (!(condition))                                                                   \
      ::s2i::fail_check(#condition, __FILE__, __LINE__, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
