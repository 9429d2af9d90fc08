// Preloaded into a program (LD_PRELOAD): sends the process a signal at its n-th read, so that a
// test can interrupt work that leaves no other trace on disk.
//
//   S2I_SIGNAL_AT_READ="signal=10 at=3 below=/shards/test after=/runs/x/metrics.jsonl rank=1"
//
// Counts pread() calls on files in the folder `below`, from 1, once the file `after` exists. With
// `rank`, only in that rank of an mpirun.
#include <dlfcn.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <sstream>
#include <string>

namespace {

struct Plan {
  int signal = 0;
  long at = 0;
  std::string below;
  std::string after;
};

Plan plan_from_environment() {
  Plan plan;
  const char* text = std::getenv("S2I_SIGNAL_AT_READ");
  std::istringstream settings(text == nullptr ? "" : text);
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  for (std::string setting; settings >> setting;) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = setting.substr(0, equals);
    const std::string value = setting.substr(equals + 1);
    if (key == "signal") plan.signal = std::atoi(value.c_str());
    if (key == "at") plan.at = std::atol(value.c_str());
    if (key == "below") plan.below = value + "/";
    if (key == "after") plan.after = value;
    if (key == "rank" && (rank == nullptr || value != rank)) return {};
  }
  return plan;
}

void count_read(int descriptor) {
  static const Plan plan = plan_from_environment();
  static std::atomic<long> count{0};
  if (plan.signal == 0) return;
  const int before = errno;
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  char path[4096];
  const ssize_t length = ::readlink(link.c_str(), path, sizeof(path));
  if (length > 0 && std::string(path, static_cast<size_t>(length)).starts_with(plan.below) &&
      ::access(plan.after.c_str(), F_OK) == 0 && ++count == plan.at) {
    ::kill(::getpid(), plan.signal);
  }
  errno = before;
}

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

ssize_t pread(int descriptor, void* to, size_t count, off_t offset) {
  static const auto real = next<ssize_t (*)(int, void*, size_t, off_t)>("pread");
  count_read(descriptor);
  return real(descriptor, to, count, offset);
}

ssize_t pread64(int descriptor, void* to, size_t count, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  count_read(descriptor);
  return real(descriptor, to, count, offset);
}

}  // extern "C"
