// A cache of open files, for files that are read repeatedly. It keeps the most recently used ones,
// so that the process stays below its limit of open files.
#pragma once

#include <cstddef>
#include <filesystem>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/files.h"

namespace s2i {

/// Thread-safe.
class OpenFiles {
 public:
  explicit OpenFiles(size_t capacity) : capacity_(capacity) {}

  /// Returns the file, which is opened if necessary. Throws RunError with its path.
  std::shared_ptr<const InputFile> open(const std::filesystem::path& path);

 private:
  struct Entry {
    std::string path;
    std::shared_ptr<const InputFile> file;
  };

  std::shared_ptr<const InputFile> find(const std::string& path);

  const size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> files_;  ///< The most recently used first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
};

}  // namespace s2i
