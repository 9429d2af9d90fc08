#include "core/program.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <exception>
#include <memory>
#include <new>

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

namespace {

int run_body(const std::function<int()>& body) {
  try {
    return body();
  } catch (const UserError& error) {
    spdlog::error("{}", error.what());
    return kExitUsage;
  } catch (const std::bad_alloc&) {
    spdlog::error(
        "out of memory: reduce the batch size or the number of jobs, or use a machine with more "
        "memory");
    return kExitRunFailed;
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return kExitRunFailed;
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
