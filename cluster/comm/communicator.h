// Whom a rank talks to: collectives over all ranks behind one interface, with a world of one, MPI
// (CPU tensors) and NCCL (CUDA tensors) behind it.
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
  /// From its start (after those before it) to its end, waiting for late ranks included.
  double busy = 0;
  /// Of these, waiting for the last rank to arrive (0 where it cannot be told: NCCL).
  double arrival = 0;
  /// How long wait() held up its caller: the thread on a CPU, the current stream on a GPU.
  double exposed = 0;
};

/// A collective under way. It keeps its tensors alive by itself.
class PendingCollective {
 public:
  virtual ~PendingCollective() = default;

  /// True when it has ended. Throws what it failed with.
  virtual bool test() = 0;

  /// Afterwards the result may be used: CPU, it is there; CUDA, the current stream waits for it,
  /// not the host. Throws RunError what it failed with.
  virtual void wait() = 0;

  /// After wait(): its timing, or nothing while a GPU has not got that far.
  virtual std::optional<CollectiveTiming> timing() = 0;
};

enum class ReduceOp { kSum, kMax };

struct CommunicatorOptions {
  /// A collective for which some rank has not arrived after so long is an error that says so.
  double time_limit_seconds = 1800;
  /// Largest message in bytes that is handed to MPI or NCCL at once; larger tensors go in parts
  /// (MPI counts in int).
  int64_t max_message_bytes = int64_t{1} << 30;
};

/// Collectives over all ranks. Every rank calls the same ones in the same order with tensors of the
/// same size and type; what differs is an error naming the ranks, not a hang (CPU tensors). Any
/// size, contiguous tensors, types float32, bfloat16, float64, int32, int64, uint8. The sum of
/// bfloat16 is rounded at each step. Start calls come from one thread at a time. `label` stands in
/// messages.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  /// What this rank is doing; collectives note themselves there.
  Activity& activity() const { return *activity_; }
  const std::shared_ptr<Activity>& shared_activity() const { return activity_; }

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Throws what a collective has failed with in the background. A GPU goes on with what it has
  /// when NCCL gives up: call it after waiting for the device, before results are kept (a
  /// checkpoint).
  virtual void check() {}

  /// Non-blocking. In place.
  virtual std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor& tensor, ReduceOp op,
                                                              const std::string& label = "") = 0;
  /// Non-blocking. `tensor` of rank `root` to that of all others.
  virtual std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor& tensor, int root,
                                                             const std::string& label = "") = 0;
  /// Non-blocking. `input` [N] of every rank, in rank order, to `output` [size * N] on all.
  virtual std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor& output,
                                                              const at::Tensor& input,
                                                              const std::string& label = "") = 0;
  /// Non-blocking. Sums `input` [size * N] over ranks; part r of the sum goes to `output` [N] of
  /// rank r.
  virtual std::unique_ptr<PendingCollective> start_reduce_scatter(
      const at::Tensor& output, const at::Tensor& input, const std::string& label = "") = 0;

  /// Non-blocking. Part q of `input` [size * N] goes to rank q, whose `output` [size * N] has the
  /// parts of all ranks in rank order.
  virtual std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor& output,
                                                              const at::Tensor& input,
                                                              const std::string& label = "") = 0;

  /// The same, waited for.
  void all_reduce_sum(const at::Tensor& tensor, const std::string& label = "");
  void all_reduce_max(const at::Tensor& tensor, const std::string& label = "");
  void broadcast(const at::Tensor& tensor, int root, const std::string& label = "");
  /// Returns [size, ...shape of input].
  at::Tensor all_gather(const at::Tensor& input, const std::string& label = "");
  /// `input` [size * N, ...] to [N, ...].
  at::Tensor reduce_scatter(const at::Tensor& input, const std::string& label = "");
  /// `input` [size * N, ...] to the same shape.
  at::Tensor all_to_all(const at::Tensor& input, const std::string& label = "");
  /// Returns when every rank has called it. Host only: says nothing about work on a GPU.
  void barrier(const std::string& label = "barrier");

  /// The bytes of every rank, in rank order, on all ranks; lengths may differ.
  std::vector<std::string> gather_text(const std::string& mine, const std::string& label = "");
  /// The bytes of rank `root`, on all ranks.
  std::string broadcast_text(const std::string& text, int root, const std::string& label = "");

 protected:
  Communicator() : Communicator(std::make_shared<Activity>()) {}
  /// For a communicator built on another one: both speak of the same rank.
  explicit Communicator(std::shared_ptr<Activity> activity) : activity_(std::move(activity)) {}

 private:
  std::shared_ptr<Activity> activity_;
};

/// The communicator for a run on `device`: a world of one alone, MPI for CPU ranks, NCCL (with MPI
/// for tensors on the host) for CUDA. Collective over all ranks. Throws RunError. The session
/// outlives it.
std::unique_ptr<Communicator> make_communicator(const MpiSession& session, at::Device device,
                                                const CommunicatorOptions& options = {});

/// A world of one, without MPI.
std::unique_ptr<Communicator> make_self_communicator();

/// MPI over CPU tensors, whatever the size of the world.
std::unique_ptr<Communicator> make_mpi_communicator(const MpiSession& session,
                                                    const CommunicatorOptions& options = {});

}  // namespace s2i
