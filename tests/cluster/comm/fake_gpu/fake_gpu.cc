#include "cluster/comm/fake_gpu/fake_gpu.h"

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

namespace {

std::mutex calls_mutex;
std::map<std::string, int> calls;
std::atomic<bool> sticky_error = false, streams_held = false, settles = true, remote_error = false;
std::atomic<bool> aborted = false;
/// Polls for which NCCL is still in progress.
std::atomic<int> polls_left = 0;

void note(const std::string& call) {
  const std::lock_guard lock(calls_mutex);
  ++calls[call];
}

/// What an asynchronous failure makes of a call.
cudaError_t result() { return sticky_error ? cudaErrorIllegalAddress : cudaSuccess; }

struct Event {
  bool on_held_stream = false;
};

Event* event_of(cudaEvent_t event) { return reinterpret_cast<Event*>(event); }

bool in_progress() { return polls_left > 0 || (!settles && polls_left == 0); }

ncclResult_t collective(const char* name) {
  if (aborted) note("use after abort");
  if (polls_left > 0) note("collective while in progress");
  note(name);
  polls_left = settles ? 3 : 1 << 30;
  return ncclInProgress;
}

}  // namespace

namespace s2i::fake_gpu {

void reset() {
  const std::lock_guard lock(calls_mutex);
  calls.clear();
  sticky_error = streams_held = remote_error = aborted = false;
  settles = true;
  polls_left = 0;
}

int count(const std::string& call) {
  const std::lock_guard lock(calls_mutex);
  return calls[call];
}

void fail_every_call() { sticky_error = true; }
void hold_streams() { streams_held = true; }
void never_settle() { settles = false; }
void fail_remotely() { remote_error = true; }

}  // namespace s2i::fake_gpu

// The names and parameters are CUDA's and NCCL's.
// NOLINTBEGIN
extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int) { return cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::memset(properties, 0, sizeof(*properties));
  properties->major = 9;
  properties->totalGlobalMem = size_t{80} << 30;
  properties->multiProcessorCount = 132;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int, int) {
  *can = 0;
  return cudaSuccess;
}
cudaError_t cudaDriverGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetLastError() { return cudaSuccess; }
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  std::memset(attributes, 0, sizeof(*attributes));
  attributes->type = cudaMemoryTypeDevice;
  attributes->devicePointer = const_cast<void*>(pointer);
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *free = *total = size_t{80} << 30;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void** pointer, size_t bytes) {
  note("malloc");
  *pointer = std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  return cudaSuccess;
}
cudaError_t cudaFree(void* pointer) {
  std::free(pointer);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int) {
  static std::atomic<long> next = 16;
  *stream = reinterpret_cast<cudaStream_t>(next++);
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
  *status = cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t, cudaStreamCaptureStatus* status,
                                     unsigned long long*, cudaGraph_t*, const cudaGraphNode_t**,
                                     const cudaGraphEdgeData**, size_t*) {
  *status = cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return result(); }

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = reinterpret_cast<cudaEvent_t>(new Event);
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return cudaEventCreate(event);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event_of(event);
  return result();
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  event_of(event)->on_held_stream = streams_held && stream != nullptr;
  return result();
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  if (sticky_error) return cudaErrorIllegalAddress;
  return event_of(event)->on_held_stream && !aborted ? cudaErrorNotReady : cudaSuccess;
}

const char* ncclGetErrorString(ncclResult_t result) {
  return result == ncclRemoteError ? "remote process exited or there was a network error"
                                   : "an error";
}
const char* ncclGetLastError(ncclComm_t) { return "no details"; }
ncclResult_t ncclGetVersion(int* version) {
  *version = 22809;
  return ncclSuccess;
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  std::memset(id, 1, sizeof(*id));
  return ncclSuccess;
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* comm, int, ncclUniqueId, int,
                                    ncclConfig_t* config) {
  note(config->blocking == 0 ? "init" : "blocking init");
  *comm = static_cast<ncclComm_t>(std::malloc(8));
  polls_left = 5;
  return ncclInProgress;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t, ncclResult_t* state) {
  if (aborted) note("use after abort");
  *state = ncclSuccess;
  if (remote_error) {
    *state = ncclRemoteError;
  } else if (in_progress()) {
    if (polls_left > 0) --polls_left;
    *state = ncclInProgress;
  }
  return ncclSuccess;
}
ncclResult_t ncclAllReduce(const void*, void*, size_t, ncclDataType_t, ncclRedOp_t, ncclComm_t,
                           cudaStream_t) {
  return collective("all-reduce");
}
ncclResult_t ncclAllGather(const void*, void*, size_t, ncclDataType_t, ncclComm_t, cudaStream_t) {
  return collective("all-gather");
}
ncclResult_t ncclBroadcast(const void*, void*, size_t, ncclDataType_t, int, ncclComm_t,
                           cudaStream_t) {
  return collective("broadcast");
}
ncclResult_t ncclReduceScatter(const void*, void*, size_t, ncclDataType_t, ncclRedOp_t, ncclComm_t,
                               cudaStream_t) {
  return collective("reduce-scatter");
}
ncclResult_t ncclAlltoAll(const void*, void*, size_t, ncclDataType_t, ncclComm_t, cudaStream_t) {
  return collective("all-to-all");
}
ncclResult_t ncclCommFinalize(ncclComm_t) {
  note("finalize");
  if (in_progress() || remote_error) return ncclInvalidArgument;
  polls_left = 2;
  return ncclInProgress;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  note(polls_left > 0 ? "destroy before finalized" : "destroy");
  std::free(comm);
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  note("abort");
  aborted = true;
  std::free(comm);
  return ncclSuccess;
}

}  // extern "C"
// NOLINTEND
