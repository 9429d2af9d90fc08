#include "core/append_file.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/error.h"

namespace s2i {
namespace {

constexpr size_t kMaxPendingBytes = 64U << 20;

}  // namespace

AppendFile::AppendFile(std::filesystem::path path) : path_(std::move(path)) {
  const bool is_new = !std::filesystem::exists(path_);
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(errno));
  if (is_new) sync_path(path_.has_parent_path() ? path_.parent_path() : ".");
}

AppendFile::~AppendFile() { write_pending(); }

int AppendFile::write_pending() {
  while (!pending_.empty()) {
    const ssize_t written = ::write(file_.get(), pending_.data(), pending_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    pending_.erase(0, static_cast<size_t>(written));
  }
  return 0;
}

void AppendFile::append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const bool was_pending = !pending_.empty();
  pending_ += bytes;
  const int error = write_pending();
  if (error == 0) return;
  if (pending_.size() > kMaxPendingBytes) {
    throw RunError("cannot write {}: {}", path_.string(), errno_text(error));
  }
  if (!was_pending) {
    spdlog::warn("cannot write {}: {}; what it lacks is kept in memory", path_.string(),
                 errno_text(error));
  }
}

void AppendFile::flush() {
  const std::lock_guard lock(mutex_);
  const int error = write_pending();
  if (error != 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(error));
}

void AppendFile::sync() {
  flush();
  if (::fsync(file_.get()) != 0) {
    throw RunError("cannot sync {} to disk: {}", path_.string(), errno_text(errno));
  }
}

}  // namespace s2i
