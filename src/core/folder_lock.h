// Keeps other processes out of a folder, on all hosts that share it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/files.h"

namespace s2i {

/// kExclusive: one process. kShared: any number of processes, but none with an exclusive lock.
enum class LockMode { kExclusive, kShared };

/// A lock on FOLDER/.lock from construction to destruction or the end of the process, for any
/// reason. It also works over NFS. The file contains the holder (of a shared lock, the latest) and
/// is not deleted; the lock keeps other processes out, not the existence of the file.
class FolderLock {
 public:
  /// If another process holds the lock, logs a warning and waits until it is free, `wait_seconds`
  /// have passed or `give_up` returns true. Throws UserError with the holder if the lock is still
  /// held, or if the file cannot be created. On a file system without locks, logs a warning and
  /// continues without a lock.
  FolderLock(
      const std::filesystem::path& folder, const std::string& holder, double wait_seconds,
      const std::function<bool()>& give_up = [] { return false; },
      LockMode mode = LockMode::kExclusive);

 private:
  FileDescriptor file_;
};

/// "process 4711 on node-3 since 2026-11-23T12:00:00Z": this process, as the holder of a lock.
std::string lock_holder();

}  // namespace s2i
