// Injects file system faults by overriding functions of the C library. Linked to a test or
// preloaded (LD_PRELOAD) into a program. It counts the calls that modify files in a folder (open
// for writing, write, fsync, rename, mkdir, unlink, symlink and similar) and at a given call kills
// the process or makes the call fail. It can also record the calls.
//
// For a preloaded program the plan is in the environment: S2I_FAULTS="below=/runs/x error=28 at=100
// count=50 delay_ms=0". Locks are not counted: either all of them fail or none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace s2i::faults {

struct Plan {
  std::string below;  ///< Only count calls on paths with this prefix.
  bool kill = false;  ///< SIGKILL before call number `at`; a write writes half of its data first.
  int error = 0;      ///< Calls `at` to `at + count - 1` fail with this errno.
  int64_t at = INT64_MAX;  ///< Number of the call, from 0.
  int64_t count = 1;
  int64_t delay_ms = 0;  ///< Delay of every fsync.
  int lock_error = 0;    ///< Every lock (fcntl) fails with this errno.
  bool record = false;   ///< Record successful calls, see operations().
};

enum class Kind { kCreate, kTruncate, kWrite, kSync, kRename, kMakeFolder, kRemove, kLink };

/// One successful call.
struct Operation {
  Kind kind;
  std::string path;
  std::string other;  ///< kRename: the new name; kLink: the target; kWrite: the bytes.
};

/// Starts fault injection; counts calls from 0.
void arm(const Plan& plan);
/// Stops fault injection and returns the number of calls.
int64_t disarm();
/// The calls since arm() if `record` is set.
std::vector<Operation>& operations();

}  // namespace s2i::faults
