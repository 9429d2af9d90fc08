#include "core/folder_lock.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "core/clock.h"
#include "core/error.h"
#include "core/host_name.h"

namespace s2i {
namespace {

constexpr auto kPause = std::chrono::milliseconds(100);

/// Locks the whole file without waiting. Returns 0 or the errno. The lock belongs to the open file
/// description: a lock of the process would be lost as soon as it closes any descriptor of the same
/// file.
int try_lock(int descriptor, LockMode mode) {
  struct flock lock {};
  lock.l_type = mode == LockMode::kShared ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  int result = ::fcntl(descriptor, F_OFD_SETLK, &lock);
  if (result != 0 && errno == EINVAL) result = ::fcntl(descriptor, F_SETLK, &lock);
  return result == 0 ? 0 : errno;
}

bool is_held(int error) { return error == EAGAIN || error == EACCES; }

bool has_no_locks(int error) {
  return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL;
}

std::string holder_in(int descriptor) {
  char text[256];
  const ssize_t count = ::pread(descriptor, text, sizeof(text), 0);
  std::string holder(text, static_cast<size_t>(std::max<ssize_t>(count, 0)));
  holder.erase(std::find(holder.begin(), holder.end(), '\n'), holder.end());
  return holder.empty() ? "another process" : holder;
}

/// The holder is only informative, so that a full disk is not an error.
void write_holder(int descriptor, const std::string& holder) {
  const std::string line = holder + "\n";
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, line.data(), line.size(), 0) != static_cast<ssize_t>(line.size())) {
    spdlog::debug("cannot write the holder into the lock file: {}", errno_text(errno));
  }
}

}  // namespace

FolderLock::FolderLock(const std::filesystem::path& folder, const std::string& holder,
                       double wait_seconds, const std::function<bool()>& give_up, LockMode mode) {
  const std::filesystem::path path = folder / ".lock";
  file_ = FileDescriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file_.get() < 0) throw UserError("cannot open {}: {}", path.string(), errno_text(errno));
  const Stopwatch watch;
  int error = try_lock(file_.get(), mode);
  if (is_held(error) && wait_seconds > 0) {
    spdlog::warn("{} is in use by {}; waiting up to {:g} s until it ends", folder.string(),
                 holder_in(file_.get()), wait_seconds);
  }
  while (is_held(error) && watch.seconds() < wait_seconds && !give_up()) {
    std::this_thread::sleep_for(kPause);
    error = try_lock(file_.get(), mode);
  }
  if (is_held(error)) {
    throw UserError(
        "{} is in use by {}; wait until it ends or stop it, or choose another folder; if its host "
        "has "
        "failed permanently, delete {}",
        folder.string(), holder_in(file_.get()), path.string());
  }
  if (has_no_locks(error)) {
    spdlog::warn("no lock on {}: {}; make sure that no other process writes there", folder.string(),
                 errno_text(error));
    return;
  }
  if (error != 0) throw UserError("cannot lock {}: {}", path.string(), errno_text(error));
  write_holder(file_.get(), holder);
}

std::string lock_holder() {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  return fmt::format("process {} on {} since {:%FT%TZ}", getpid(), host_name(), fmt::gmtime(now));
}

}  // namespace s2i
