// A file that a long run appends to. When the disk is full, what could not be written is kept in
// memory and the run continues.
#pragma once

#include <cstddef>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>

#include "core/files.h"

namespace s2i {

class AppendFile {
 public:
  /// Opens for appending; syncs the folder when the file is new. Throws RunError.
  explicit AppendFile(std::filesystem::path path);

  /// Tries to write what is kept in memory.
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Writes `bytes`. If that fails (no space), keeps them in memory for a later call; warns about
  /// the first such failure. Throws RunError when more than 64 MiB are kept.
  void append(std::string_view bytes);

  /// Writes what is kept in memory. Throws RunError if that fails.
  void flush();

  /// flush(), then syncs the file to disk. From any thread. Throws RunError.
  void sync();

 private:
  /// Writes as much of `pending_` as possible; returns the error number or 0. Call it with the
  /// lock.
  int write_pending();

  std::filesystem::path path_;
  FileDescriptor file_;
  std::mutex mutex_;     ///< For `pending_`: the checkpoint writer's thread calls sync().
  std::string pending_;  ///< Not written yet; may start in the middle of what was appended.
};

}  // namespace s2i
