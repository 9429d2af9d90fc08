// Sums gradients in the order of micro-batches: bit-identical for every number of ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "cluster/comm/communicator.h"

namespace s2i {

/// Floating-point sums depend on their order, and an all-reduce adds in an order that depends on
/// the number of ranks. This class adds the gradients of micro-batch 0, 1, 2 ... of a step in that
/// order, whichever ranks computed them.
///
/// Each rank keeps the sums of one slice of the elements. A round is `size` micro-batches, one per
/// rank: an all-to-all sends every rank its slice of each of them, which it adds in order. At the
/// end an all-gather distributes the sums. The traffic is (rounds + 1) times the size of the
/// gradients, compared to 2 times for a ring all-reduce; none of it is hidden behind the backward
/// pass, and the buffers take three times the memory of the gradients.
class FixedOrderSum {
 public:
  /// `gradients` [N]: the flat buffer that backward passes fill, the same size on every rank.
  FixedOrderSum(const at::Tensor& gradients, Communicator& communicator);

  /// Before the first round of a step.
  void begin();

  /// Adds the gradients of the first `contributors` ranks (1 to size); those of the other ranks are
  /// ignored. Collective. Rank r computes micro-batches r, r + size, ..., so that rounds in order
  /// are micro-batches in order.
  void add_round(int contributors);

  /// Writes the sums to the gradients. Collective. Returns the seconds of communication in this
  /// step, including the wait for other ranks.
  double finish();

 private:
  at::Tensor gradients_;
  Communicator& communicator_;
  at::Tensor sent_;      ///< [size * slice], padded with zeros.
  at::Tensor received_;  ///< [size, slice].
  at::Tensor sum_;       ///< [slice].
  double seconds_ = 0;
};

}  // namespace s2i
