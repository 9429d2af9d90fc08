// Collectives over all ranks behind one interface, with three implementations: a single rank, MPI
// (CPU tensors) and NCCL (CUDA tensors).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cluster/comm/activity.h"
#include "cluster/comm/mpi_session.h"

namespace s2i {

/// How long a collective took, in seconds.
struct CollectiveTiming {
  /// From its start (after earlier collectives) to its end, including the wait for late ranks.
  double busy = 0;
  /// The part of `busy` spent waiting for the last rank (0 for NCCL, which does not report it).
  double arrival = 0;
  /// How long wait() blocked: the calling thread on a CPU, the current stream on a GPU.
  double exposed = 0;
};

/// A collective in flight. It keeps its tensors alive.
class PendingCollective {
 public:
  virtual ~PendingCollective() = default;

  /// True when it has completed. Throws the error if it failed.
  virtual bool test() = 0;

  /// Afterwards the result may be used. CPU: waits for completion. CUDA: the current stream waits
  /// for it, the host does not. Throws RunError if it failed.
  virtual void wait() = 0;

  /// After wait(): its timing, or nothing while a GPU has not completed it.
  virtual std::optional<CollectiveTiming> timing() = 0;
};

enum class ReduceOp { kSum, kMax };

struct CommunicatorOptions {
  /// A collective that some rank has not joined after this time is an error.
  double time_limit_seconds = 1800;
  /// Largest message in bytes that is passed to MPI at once; larger tensors are split (MPI counts
  /// in int).
  int64_t max_message_bytes = int64_t{1} << 30;
};

/// Collectives over all ranks. Every rank calls the same ones in the same order with tensors of the
/// same size and type. For CPU tensors a difference is an error that names the ranks, not a hang.
/// Contiguous tensors of any size, of type float32, bfloat16, float64, int32, int64 or uint8. Sums
/// of bfloat16 are rounded after each addition. Only one thread at a time calls the start
/// functions. `label` names the collective in messages.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// The activity of this rank, in which collectives are recorded.
  Activity& activity() const { return *activity_; }
  const std::shared_ptr<Activity>& shared_activity() const { return activity_; }

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Throws RunError if a collective has failed in the background. When NCCL aborts, the GPU
  /// continues with invalid data: call this after waiting for the device, before results are kept
  /// (a checkpoint).
  virtual void check() {}

  /// Non-blocking. In place.
  virtual std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor& tensor, ReduceOp op,
                                                              const std::string& label = "") = 0;
  /// Non-blocking. Copies `tensor` of rank `root` to all other ranks.
  virtual std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor& tensor, int root,
                                                             const std::string& label = "") = 0;
  /// Non-blocking. Concatenates `input` [N] of every rank in rank order; `output` [size * N].
  virtual std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor& output,
                                                              const at::Tensor& input,
                                                              const std::string& label = "") = 0;
  /// Non-blocking. Sums `input` [size * N] over ranks; `output` [N] of rank r is part r of the sum.
  virtual std::unique_ptr<PendingCollective> start_reduce_scatter(
      const at::Tensor& output, const at::Tensor& input, const std::string& label = "") = 0;

  /// Non-blocking. Sends part q of `input` [size * N] to rank q; `output` [size * N] has the parts
  /// from all ranks in rank order.
  virtual std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor& output,
                                                              const at::Tensor& input,
                                                              const std::string& label = "") = 0;

  /// The blocking forms.
  void all_reduce_sum(const at::Tensor& tensor, const std::string& label = "");
  void all_reduce_max(const at::Tensor& tensor, const std::string& label = "");
  void broadcast(const at::Tensor& tensor, int root, const std::string& label = "");
  /// Returns [size, ...shape of input].
  at::Tensor all_gather(const at::Tensor& input, const std::string& label = "");
  /// `input` [size * N, ...] to [N, ...].
  at::Tensor reduce_scatter(const at::Tensor& input, const std::string& label = "");
  /// `input` [size * N, ...] to the same shape.
  at::Tensor all_to_all(const at::Tensor& input, const std::string& label = "");
  /// Returns when every rank has called it. For the host only: does not wait for work on a GPU.
  void barrier(const std::string& label = "barrier");

  /// The bytes of every rank, in rank order, on all ranks; lengths may differ.
  std::vector<std::string> gather_text(const std::string& mine, const std::string& label = "");
  /// The bytes of rank `root`, on all ranks.
  std::string broadcast_text(const std::string& text, int root, const std::string& label = "");

 protected:
  Communicator() : Communicator(std::make_shared<Activity>()) {}
  /// For a communicator built on another one: both record into the same activity.
  explicit Communicator(std::shared_ptr<Activity> activity) : activity_(std::move(activity)) {}

 private:
  std::shared_ptr<Activity> activity_;
};

/// The communicator for a run on `device`: for a single rank one without MPI, otherwise MPI for CPU
/// ranks and NCCL (with MPI for CPU tensors) for CUDA. Collective over all ranks. Throws RunError.
/// The session outlives it.
std::unique_ptr<Communicator> make_communicator(const MpiSession& session, at::Device device,
                                                const CommunicatorOptions& options = {});

/// For a single rank, without MPI.
std::unique_ptr<Communicator> make_self_communicator();

/// MPI over CPU tensors, for any number of ranks.
std::unique_ptr<Communicator> make_mpi_communicator(const MpiSession& session,
                                                    const CommunicatorOptions& options = {});

}  // namespace s2i
