// The sum of gradients over ranks, while the backward pass still runs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/reduce/flat_parameters.h"

namespace torch::autograd {
struct Node;
}

namespace s2i {

enum class ReduceType { kFloat32, kBFloat16 };

struct ReducerOptions {
  /// Size of a bucket in MiB of float32 gradients; 25 is what PyTorch uses. A larger parameter has
  /// a bucket of its own.
  double bucket_mib = 25;
  /// In what type gradients travel; they are summed in it too. bfloat16 halves the traffic and
  /// rounds.
  ReduceType type = ReduceType::kFloat32;
};

/// How long a reduction took and how much of that the backward pass hid.
struct ReduceStats {
  /// Sent from this rank's gradients, padding included.
  int64_t bytes = 0;
  int buckets = 0;
  /// Buckets that were under way before finalize() was called.
  int overlapped_buckets = 0;
  /// Sum of the collectives' own time. On a GPU that of the step before: this one's is not over
  /// yet.
  double busy_seconds = 0;
  /// Of these, waiting for the last rank to arrive (CPU ranks).
  double arrival_seconds = 0;
  /// How long finalize() waited: the part that nothing hid.
  double exposed_seconds = 0;

  /// Share of communication hidden behind the backward pass, 0 to 1; 1 when there was none.
  double hidden_share() const;
};

/// Sums the gradients of `parameters` over all ranks. The parameters and gradients move to flat
/// buffers (FlatParameters), cut into buckets in reverse order of use. When the backward pass has
/// filled a bucket it is all-reduced by a non-blocking collective; buckets go in their order on
/// every rank, so that the order of collectives is the same everywhere by construction.
///
/// A step: zero(); for each micro-batch { forward; begin(last micro-batch, loss); backward; }
/// finalize(). A rank without work calls begin(true) and finalize() and adds zero. Parameters that
/// get no gradient (LayerDrop) are reduced as they stand; with begin(true, loss) they delay
/// nothing.
///
/// On a GPU, construct it on the stream that training uses.
class GradientReducer {
 public:
  /// `parameters`: in order of first use in the forward pass, only those with requires_grad, fp32,
  /// on the device of the communicator, in the same order on every rank. The communicator outlives
  /// it.
  GradientReducer(const std::vector<at::Tensor>& parameters, Communicator& communicator,
                  const ReducerOptions& options = {});
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Gradients to zero, before the first micro-batch of a step.
  void zero();

  /// Before a backward pass. `reduce` false: it only accumulates; true: the last of the step.
  void begin(bool reduce);

  /// The same after the forward pass, which lets it look which parameters `loss` depends on:
  /// buckets do not wait for the others. Costs a walk over the graph.
  void begin(bool reduce, const at::Tensor& loss);

  /// After the last backward pass of the step: starts what was not reached, waits (on a GPU the
  /// current stream waits, not the host), and leaves the sum over ranks in flat_gradients(). Throws
  /// RunError what a collective failed with.
  ReduceStats finalize();

  /// [N] fp32 of the same layout, a view a parameter; padding is zero.
  const at::Tensor& flat_gradients() const { return flat_.gradients(); }
  const at::Tensor& flat_parameters() const { return flat_.values(); }
  const std::vector<FlatParameters::Slot>& slots() const { return flat_.slots(); }

  /// Global L2 norm of the gradients, fp32 [] on the device; after finalize() the same on every
  /// rank.
  at::Tensor norm() const { return flat_.gradient_norm(); }

  int num_buckets() const { return static_cast<int>(buckets_.size()); }

 private:
  struct Bucket {
    int64_t offset = 0;
    int64_t size = 0;
    /// Parameters in it, and how many of them still wait for their gradient.
    int parameters = 0;
    int missing = 0;
    std::unique_ptr<PendingCollective> pending;
  };
  class ReadyHook;

  void make_buckets(double bucket_mib);
  void add_hooks();
  /// Called by the hook of parameter `slot` when its gradient is there.
  void mark_ready(size_t slot);
  void start_ready_buckets();
  void start_bucket(size_t index);
  ReduceStats collect(int overlapped);

  FlatParameters flat_;
  Communicator& communicator_;
  ReduceType type_;
  /// [N] bfloat16 when gradients travel as such.
  at::Tensor narrow_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_slot_;
  std::vector<bool> ready_;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators_;
  std::vector<uintptr_t> hook_keys_;
  std::map<const torch::autograd::Node*, size_t> slot_of_accumulator_;
  /// Collectives of the last step whose timing a GPU had not told yet.
  std::vector<std::unique_ptr<PendingCollective>> untimed_;
  bool reducing_ = false;
  size_t next_bucket_ = 0;
};

}  // namespace s2i
