#include "core/program.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <exception>
#include <filesystem>
#include <memory>
#include <new>
#include <system_error>

#include "core/error.h"
#include "core/standard_output.h"

namespace s2i {

std::string version_text(const std::string& program) {
  return fmt::format("{} {}", program, S2I_VERSION);
}

void set_up_logging(spdlog::level::level_enum level, int rank, int world_size) {
  auto logger =
      std::make_shared<spdlog::logger>("s2i", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  const std::string from = world_size > 1 ? fmt::format("[rank {}] ", rank) : "";
  logger->set_pattern("%Y-%m-%dT%H:%M:%SZ %l " + from + "%v", spdlog::pattern_time_type::utc);
  logger->set_level(rank == 0 ? level : std::max(level, spdlog::level::warn));
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

Failure current_failure() {
  try {
    throw;
  } catch (const UserError& error) {
    return {kExitUsage, error.what()};
  } catch (const std::filesystem::filesystem_error& error) {
    // From a query or a listing: opening a file for reading is reported by fail_to_read().
    const bool denied = error.code() == std::errc::permission_denied ||
                        error.code() == std::errc::operation_not_permitted;
    return {denied ? kExitUsage : kExitRunFailed,
            fmt::format(
                "cannot access {}: {}{}", error.path1().string(), error.code().message(),
                denied ? "; this user needs search permission for every folder of the path" : "")};
  } catch (const std::bad_alloc&) {
    return {kExitRunFailed,
            "out of memory: reduce the batch size or the number of jobs, or use a machine with "
            "more memory"};
  } catch (const std::exception& error) {
    return {kExitRunFailed, error.what()};
  }
}

namespace {

int run_body(const std::function<int()>& body) {
  try {
    return body();
  } catch (const std::exception&) {
    const Failure failure = current_failure();
    spdlog::error("{}", failure.message);
    return failure.status;
  }
}

}  // namespace

int run_program(const std::function<int()>& body) {
  set_up_logging(spdlog::level::info);  // the default logger of spdlog writes to standard output
  const int status = run_body(body);
  try {
    flush_output();
  } catch (const RunError& error) {
    // After an error the first message says why; a second one would hide it.
    if (status != kExitDone) return status;
    spdlog::error("{}", error.what());
    return kExitRunFailed;
  }
  return status;
}

}  // namespace s2i
