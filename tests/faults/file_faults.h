// Injects faults into what a process does to files: a shared library that stands before the C
// library, linked to a test or preloaded (LD_PRELOAD) into a program. It counts the calls that
// change something below a folder (open for writing, write, fsync, rename, mkdir, unlink, symlink
// and their like), and at a chosen one kills the process, lets the call fail, or records what it
// did.
//
// For a preloaded program the plan is in the environment: S2I_FAULTS="below=/runs/x error=28 at=100
// count=50 delay_ms=0". Locks are not counted: they all fail, or none does.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace s2i::faults {

struct Plan {
  std::string below;       ///< Only calls on paths that start with this count.
  bool kill = false;       ///< SIGKILL before call number `at`; a write is done by half.
  int error = 0;           ///< Calls at ... at + count - 1 fail with this errno.
  int64_t at = INT64_MAX;  ///< From 0.
  int64_t count = 1;
  int64_t delay_ms = 0;  ///< Every fsync takes so much longer.
  int lock_error = 0;    ///< Every lock (fcntl) fails with this errno.
  bool record = false;
};

enum class Kind { kCreate, kTruncate, kWrite, kSync, kRename, kMakeFolder, kRemove, kLink };

/// One call that succeeded.
struct Operation {
  Kind kind;
  std::string path;
  std::string other;  ///< kRename: the new name; kLink: the target; kWrite: the bytes.
};

/// Starts counting from 0.
void arm(const Plan& plan);
/// Ends counting; returns the number of calls.
int64_t disarm();
/// The calls since arm(), with `record`.
std::vector<Operation>& operations();

}  // namespace s2i::faults
