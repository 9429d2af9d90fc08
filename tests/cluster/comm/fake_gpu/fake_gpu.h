// A CUDA runtime, driver and NCCL that live in the test program and take the place of the real
// libraries, so that the NCCL communicator runs without a GPU. Device memory is host memory,
// streams do nothing, and NCCL copies nothing: what is tested is the order of the calls and how
// failures are handled.
#pragma once

#include <string>

namespace s2i::fake_gpu {

/// Forgets all calls and failures.
void reset();

/// How often a call was made: "init", "all-reduce", "finalize", "destroy", "abort", "malloc", ...
/// and mistakes of the caller: "collective while in progress", "destroy before finalized", "use
/// after abort".
int count(const std::string& call);

/// Every CUDA call that reports errors of kernels fails from now on, as after an illegal memory
/// access.
void fail_every_call();

/// Work on streams does not complete from now on, until NCCL is aborted.
void hold_streams();

/// NCCL stays in progress after the next collective.
void never_settle();

/// NCCL reports a failed peer.
void fail_remotely();

}  // namespace s2i::fake_gpu
