// Preloaded into a program (LD_PRELOAD): sends it a signal when it reads from a file for the n-th
// time, so that a test can send one in the middle of work that has no other trace on disk.
//
//   S2I_SIGNAL_AT_READ="signal=10 at=3 below=/shards/test after=/runs/x/metrics.jsonl rank=1"
//
// Reads (pread) are counted below a folder, from 1, once the file `after` is there; with `rank` in
// that rank of an mpirun alone.
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
  std::istringstream words(text == nullptr ? "" : text);
  const char* const rank = std::getenv("OMPI_COMM_WORLD_RANK");
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = word.substr(0, equals);
    const std::string value = word.substr(equals + 1);
    if (key == "signal") plan.signal = std::atoi(value.c_str());
    if (key == "at") plan.at = std::atol(value.c_str());
    if (key == "below") plan.below = value + "/";
    if (key == "after") plan.after = value;
    if (key == "rank" && (rank == nullptr || value != rank)) return {};
  }
  return plan;
}

void note_read(int descriptor) {
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
  note_read(descriptor);
  return real(descriptor, to, count, offset);
}

ssize_t pread64(int descriptor, void* to, size_t count, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, void*, size_t, off64_t)>("pread64");
  note_read(descriptor);
  return real(descriptor, to, count, offset);
}

}  // extern "C"
