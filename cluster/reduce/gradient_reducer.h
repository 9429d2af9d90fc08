// Sums gradients over ranks while the backward pass is running.
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
  /// Bucket size in MiB of float32 gradients; the default is that of PyTorch. A larger parameter
  /// has a bucket of its own.
  double bucket_mib = 25;
  /// The type in which gradients are sent and summed. bfloat16 halves the traffic and rounds.
  ReduceType type = ReduceType::kFloat32;
};

/// Duration of a reduction and how much of it the backward pass hid.
struct ReduceStats {
  /// Size of this rank's gradients as they are sent, including padding.
  int64_t bytes = 0;
  int buckets = 0;
  /// Buckets whose reduction started before finalize() was called.
  int overlapped_buckets = 0;
  /// Sum of the durations of the collectives. On a GPU those of the previous step: the current ones
  /// have not completed.
  double busy_seconds = 0;
  /// The part spent waiting for the last rank (CPU ranks).
  double arrival_seconds = 0;
  /// How long finalize() waited: the part that was not hidden.
  double exposed_seconds = 0;

  /// Fraction of the communication hidden behind the backward pass, 0 to 1; 1 without
  /// communication.
  double hidden_share() const;
};

/// Sums the gradients of `parameters` over all ranks. The parameters and gradients move to flat
/// buffers (FlatParameters), which are divided into buckets in reverse order of use. When the
/// backward pass has filled a bucket, it is all-reduced by a non-blocking collective. Buckets are
/// reduced in their order, so that the order of collectives is the same on every rank.
///
/// A step: zero(); for each micro-batch { forward; begin(last micro-batch, loss); backward; }
/// finalize(). A rank without micro-batches calls begin(true) and finalize() and adds zero.
/// Parameters without a gradient in this step (LayerDrop) are reduced unchanged; with
/// begin(true, loss) they do not delay their bucket.
///
/// On a GPU, construct it on the stream that training uses.
class GradientReducer {
 public:
  /// `parameters`: those with requires_grad, fp32, on the device of the communicator, in order of
  /// first use in the forward pass, the same on every rank. The communicator outlives this object.
  GradientReducer(const std::vector<at::Tensor>& parameters, Communicator& communicator,
                  const ReducerOptions& options = {});
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  /// Sets the gradients to zero, before the first micro-batch of a step.
  void zero();

  /// Before a backward pass. `reduce` false: it only accumulates; true: it is the last of the step.
  void begin(bool reduce);

  /// The same, after the forward pass. Buckets do not wait for parameters that `loss` does not
  /// depend on. Costs a traversal of the autograd graph.
  void begin(bool reduce, const at::Tensor& loss);

  /// After the last backward pass of the step: starts the remaining buckets, waits (on a GPU the
  /// current stream waits, not the host), and leaves the sum over ranks in flat_gradients(). Throws
  /// RunError if a collective failed.
  ReduceStats finalize();

  /// [N] fp32, both with the same layout: one view per parameter, padding is zero.
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
    /// Number of parameters in it, and how many of them have no gradient yet.
    int parameters = 0;
    int missing = 0;
    std::unique_ptr<PendingCollective> pending;
  };
  class ReadyHook;

  void make_buckets(double bucket_mib);
  void add_hooks();
  /// Called by the hook of parameter `slot` when its gradient is complete.
  void mark_ready(size_t slot);
  void start_ready_buckets();
  void start_bucket(size_t index);
  ReduceStats collect(int overlapped);

  FlatParameters flat_;
  Communicator& communicator_;
  ReduceType type_;
  /// [N] bfloat16 if gradients are sent in that type.
  at::Tensor narrow_;
  std::vector<Bucket> buckets_;
  std::vector<size_t> bucket_of_slot_;
  std::vector<bool> ready_;
  std::vector<std::shared_ptr<torch::autograd::Node>> accumulators_;
  std::vector<uintptr_t> hook_keys_;
  std::map<const torch::autograd::Node*, size_t> slot_of_accumulator_;
  /// Collectives of the previous step that a GPU had not completed yet.
  std::vector<std::unique_ptr<PendingCollective>> untimed_;
  bool reducing_ = false;
  size_t next_bucket_ = 0;
};

}  // namespace s2i
