// A small file a rank that says what it is doing: for an operator, while the run hangs.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "cluster/comm/activity.h"

namespace s2i {

/// Rewrites `path` every `period_seconds` with rank, host, process, time and the activity as JSON,
/// on a thread of its own: a file system that hangs holds up nothing else. What cannot be written
/// is said once and costs the run nothing. The end of the object leaves "state": "ended".
class ProgressFile {
 public:
  ProgressFile(std::filesystem::path path, std::shared_ptr<Activity> activity, int rank,
               std::string host, double period_seconds);
  ~ProgressFile();
  ProgressFile(const ProgressFile&) = delete;
  ProgressFile& operator=(const ProgressFile&) = delete;

 private:
  void run(double period_seconds);
  void write(const char* state);

  std::filesystem::path path_;
  std::shared_ptr<Activity> activity_;
  int rank_;
  std::string host_;
  bool failed_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace s2i
