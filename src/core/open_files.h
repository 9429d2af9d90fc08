// Files that are read from again and again, kept open: the most recently used ones, so that no
// number of files runs into the limit of open ones.
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

/// Any thread may use it.
class OpenFiles {
 public:
  explicit OpenFiles(size_t capacity) : capacity_(capacity) {}

  /// The file, opened if it is not open. Throws RunError naming it.
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
