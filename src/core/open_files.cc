#include "core/open_files.h"

namespace s2i {

std::shared_ptr<const InputFile> OpenFiles::find(const std::string& path) {
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  files_.splice(files_.begin(), files_, found->second);
  return found->second->file;
}

std::shared_ptr<const InputFile> OpenFiles::open(const std::filesystem::path& path) {
  const std::string name = path.string();
  {
    const std::scoped_lock lock(mutex_);
    if (auto file = find(name)) return file;
  }
  // Without the lock: opening a file may take long on a network file system.
  auto file = std::make_shared<const InputFile>(path);
  const std::scoped_lock lock(mutex_);
  if (auto known = find(name)) return known;  // another thread opened it meanwhile
  files_.push_front({name, file});
  by_path_.emplace(name, files_.begin());
  if (files_.size() > capacity_) {
    by_path_.erase(files_.back().path);
    files_.pop_back();
  }
  return file;
}

}  // namespace s2i
