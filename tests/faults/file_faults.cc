#include "faults/file_faults.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <mutex>
#include <sstream>

namespace s2i::faults {
namespace {

struct State {
  std::mutex mutex;
  Plan plan;
  int64_t calls = 0;
  std::vector<Operation> operations;
};

/// Separate from the state, because a sanitizer makes calls at startup, before memory can be
/// allocated.
std::atomic<bool>& armed() {
  static constinit std::atomic<bool> value = false;
  return value;
}

/// Never destroyed, because calls can come until the process ends.
State& state() {
  static State* const instance = new State;
  return *instance;
}

/// Reads a plan such as "at=5 error=28 below=/x" from S2I_FAULTS, for preloaded programs.
[[gnu::constructor]] void arm_from_environment() {
  const char* text = std::getenv("S2I_FAULTS");
  if (text == nullptr) return;
  Plan plan;
  std::istringstream settings(text);
  for (std::string setting; settings >> setting;) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = setting.substr(0, equals);
    const std::string value = setting.substr(equals + 1);
    if (key == "below") plan.below = value;
    if (key == "kill") plan.kill = value == "1";
    if (key == "error") plan.error = std::atoi(value.c_str());
    if (key == "at") plan.at = std::atoll(value.c_str());
    if (key == "count") plan.count = std::atoll(value.c_str());
    if (key == "delay_ms") plan.delay_ms = std::atoll(value.c_str());
    if (key == "lock_error") plan.lock_error = std::atoi(value.c_str());
  }
  arm(plan);
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::string path_of(int descriptor) {
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  char buffer[4096];
  const ssize_t length = ::readlink(link.c_str(), buffer, sizeof(buffer));
  return length > 0 ? std::string(buffer, static_cast<size_t>(length)) : "";
}

std::string absolute(int folder, const char* path) {
  if (path[0] == '/') return path;
  if (folder != AT_FDCWD) return path_of(folder) + "/" + path;
  char buffer[4096];
  return ::getcwd(buffer, sizeof(buffer)) == nullptr ? path : std::string(buffer) + "/" + path;
}

/// Intercepts one call: counts it, then kills the process, makes the call fail, or runs and records
/// it. `describe` returns the Operation; `partial_call` runs before a kill.
template <typename Describe, typename Call, typename PartialCall>
long intercept(Describe&& describe, Call&& call, PartialCall&& partial_call) {
  if (!armed()) return call();
  const int before = errno;
  const Operation operation = describe();
  State& s = state();
  const std::lock_guard lock(s.mutex);
  if (!operation.path.starts_with(s.plan.below)) {
    errno = before;
    return call();
  }
  const int64_t number = s.calls++;
  if (number >= s.plan.at && s.plan.kill) {
    partial_call();
    ::kill(::getpid(), SIGKILL);
  }
  if (s.plan.error != 0 && number >= s.plan.at && number - s.plan.at < s.plan.count) {
    errno = s.plan.error;
    return -1;
  }
  if (operation.kind == Kind::kSync && s.plan.delay_ms > 0) {
    const timespec delay{s.plan.delay_ms / 1000, s.plan.delay_ms % 1000 * 1'000'000};
    ::nanosleep(&delay, nullptr);
  }
  errno = before;
  const long result = call();
  if (result >= 0 && s.plan.record) s.operations.push_back(operation);
  return result;
}

template <typename Describe, typename Call>
long intercept(Describe&& describe, Call&& call) {
  return intercept(describe, call, [] {});
}

}  // namespace

void arm(const Plan& plan) {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  s.plan = plan;
  s.calls = 0;
  s.operations.clear();
  armed() = true;
}

int64_t disarm() {
  State& s = state();
  const std::lock_guard lock(s.mutex);
  armed() = false;
  return s.calls;
}

std::vector<Operation>& operations() { return state().operations; }

namespace {

int open_at(int folder, const char* path, int flags, mode_t mode) {
  static const auto real = next<int (*)(int, const char*, int, ...)>("openat");
  const auto call = [&] { return static_cast<long>(real(folder, path, flags, mode)); };
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) == 0) return static_cast<int>(call());
  const auto describe = [&] {
    const std::string where = absolute(folder, path);
    const bool exists = ::access(where.c_str(), F_OK) == 0;
    return Operation{exists ? Kind::kTruncate : Kind::kCreate, where,
                     (flags & O_TRUNC) != 0 ? "" : "keep"};
  };
  return static_cast<int>(intercept(describe, call));
}

/// The errno for a lock on this file, or 0 to let it succeed.
int lock_error(int command, int descriptor) {
  if (!armed() || (command != F_OFD_SETLK && command != F_SETLK)) return 0;
  State& s = state();
  const std::lock_guard lock(s.mutex);
  return path_of(descriptor).starts_with(s.plan.below) ? s.plan.lock_error : 0;
}

int control(int descriptor, int command, void* argument) {
  static const auto real = next<int (*)(int, int, ...)>("fcntl");
  const int error = lock_error(command, descriptor);
  if (error == 0) return real(descriptor, command, argument);
  errno = error;
  return -1;
}

/// Describes a call on one path.
auto on(Kind kind, const char* path, int folder = AT_FDCWD) {
  return [=] { return Operation{kind, absolute(folder, path), ""}; };
}

mode_t mode_argument(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

}  // namespace
}  // namespace s2i::faults

using s2i::faults::absolute;
using s2i::faults::control;
using s2i::faults::intercept;
using s2i::faults::Kind;
using s2i::faults::mode_argument;
using s2i::faults::next;
using s2i::faults::on;
using s2i::faults::open_at;
using s2i::faults::Operation;
using s2i::faults::path_of;

#define S2I_OPEN(name, ...)                              \
  {                                                      \
    va_list arguments;                                   \
    va_start(arguments, flags);                          \
    const mode_t mode = mode_argument(flags, arguments); \
    va_end(arguments);                                   \
    return open_at(__VA_ARGS__, path, flags, mode);      \
  }

extern "C" {

int open(const char* path, int flags, ...)
    S2I_OPEN(open, AT_FDCWD) int open64(const char* path, int flags, ...)
        S2I_OPEN(open64, AT_FDCWD) int openat(int folder, const char* path, int flags, ...)
            S2I_OPEN(openat, folder) int openat64(int folder, const char* path, int flags, ...)
                S2I_OPEN(openat64, folder)

                    ssize_t write(int descriptor, const void* bytes, size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  return intercept(
      [&] {
        return Operation{
            Kind::kWrite, path_of(descriptor), {static_cast<const char*>(bytes), count}};
      },
      [&] { return static_cast<long>(real(descriptor, bytes, count)); },
      [&] { (void)!real(descriptor, bytes, count / 2); });
}

int fcntl(int descriptor, int command, ...) {
  va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  return control(descriptor, command, argument);
}

int fsync(int descriptor) {
  static const auto real = next<int (*)(int)>("fsync");
  return static_cast<int>(intercept(
      [&] {
        return Operation{Kind::kSync, path_of(descriptor), ""};
      },
      [&] { return static_cast<long>(real(descriptor)); }));
}

int fdatasync(int descriptor) { return fsync(descriptor); }

int rename(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return static_cast<int>(intercept(
      [&] {
        return Operation{Kind::kRename, absolute(AT_FDCWD, from), absolute(AT_FDCWD, to)};
      },
      [&] { return static_cast<long>(real(from, to)); }));
}

int mkdir(const char* path, mode_t mode) {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  return static_cast<int>(
      intercept(on(Kind::kMakeFolder, path), [&] { return static_cast<long>(real(path, mode)); }));
}

int symlink(const char* target, const char* path) {
  static const auto real = next<int (*)(const char*, const char*)>("symlink");
  return static_cast<int>(intercept(
      [&] {
        return Operation{Kind::kLink, absolute(AT_FDCWD, path), target};
      },
      [&] { return static_cast<long>(real(target, path)); }));
}

int unlinkat(int folder, const char* path, int flags) {
  static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
  return static_cast<int>(intercept(on(Kind::kRemove, path, folder),
                                    [&] { return static_cast<long>(real(folder, path, flags)); }));
}

int unlink(const char* path) {
  static const auto real = next<int (*)(const char*)>("unlink");
  return static_cast<int>(
      intercept(on(Kind::kRemove, path), [&] { return static_cast<long>(real(path)); }));
}

int rmdir(const char* path) {
  static const auto real = next<int (*)(const char*)>("rmdir");
  return static_cast<int>(
      intercept(on(Kind::kRemove, path), [&] { return static_cast<long>(real(path)); }));
}

int remove(const char* path) {
  static const auto real = next<int (*)(const char*)>("remove");
  return static_cast<int>(
      intercept(on(Kind::kRemove, path), [&] { return static_cast<long>(real(path)); }));
}

}  // extern "C"
