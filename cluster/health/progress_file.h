// A small file per rank with its current activity: for an operator, in particular while the run
// hangs.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cluster/comm/activity.h"
#include "core/periodic_thread.h"

namespace s2i {

/// Rewrites `path` every `period_seconds` with rank, host, process, time and activity as JSON, on a
/// thread of its own, so that a slow file system does not delay the run. A write error is logged
/// once and does not affect the run. The destructor writes "state": "ended".
class ProgressFile {
 public:
  ProgressFile(std::filesystem::path path, std::shared_ptr<Activity> activity, int rank,
               std::string host, double period_seconds);
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

 private:
  void write(const char* state);

  std::filesystem::path path_;
  std::shared_ptr<Activity> activity_;
  int rank_;
  std::string host_;
  bool failed_ = false;    ///< The last write failed, and a warning was logged.
  PeriodicThread thread_;  ///< Last: it uses the members above.
};

}  // namespace s2i
