// One process at a time in a folder, over all hosts that share it.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/files.h"

namespace s2i {

/// A lock on FOLDER/.lock, from construction to destruction or the end of the process, however it
/// ends. It works over NFS too. The file says who holds it and stays behind; it is the lock, not
/// the file, that keeps others out.
class FolderLock {
 public:
  /// Waits for another holder up to `wait_seconds`, with a line in the log, or until `give_up` says
  /// so. Throws UserError naming host and process of the holder when it still holds the lock, or
  /// when the file cannot be made. A file system without locks is a warning, and no lock.
  FolderLock(
      const std::filesystem::path& folder, const std::string& holder, double wait_seconds,
      const std::function<bool()>& give_up = [] { return false; });

 private:
  FileDescriptor file_;
};

}  // namespace s2i
