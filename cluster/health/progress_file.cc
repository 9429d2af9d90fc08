#include "cluster/health/progress_file.h"

#include <fmt/chrono.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

#include "cluster/health/activity_json.h"

namespace s2i {

ProgressFile::ProgressFile(std::filesystem::path path, std::shared_ptr<Activity> activity, int rank,
                           std::string host, double period_seconds)
    : path_(std::move(path)),
      activity_(std::move(activity)),
      rank_(rank),
      host_(std::move(host)),
      thread_(std::chrono::duration<double>(period_seconds), [this] { write("running"); }) {}

ProgressFile::~ProgressFile() {
  thread_.stop();
  write("ended");
}

void ProgressFile::write(const char* state) {
  OrderedJson json = {
      {"rank", rank_},
      {"host", host_},
      {"process", getpid()},
      {"state", state},
      {"time", fmt::format("{:%FT%TZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(
                                            std::chrono::system_clock::now())))}};
  json.update(to_json(activity_->snapshot()));
  try {
    write_json(path_, json);
    failed_ = false;
  } catch (const std::exception& error) {
    if (!std::exchange(failed_, true))
      spdlog::warn("cannot write the progress file: {}", error.what());
  }
}

}  // namespace s2i
