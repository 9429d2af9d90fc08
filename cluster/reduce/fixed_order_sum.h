// The sum of gradients in the order of micro-batches: bit-identical for every number of ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "cluster/comm/communicator.h"

namespace s2i {

/// Floating-point sums depend on their order, and an all-reduce adds in an order that depends on
/// the number of ranks. This one adds the gradients of micro-batch 0, 1, 2 ... of a step one after
/// another, element by element, wherever they were computed.
///
/// Each rank keeps the sums of one slice of the elements. A round is `size` micro-batches, one a
/// rank: an all-to-all brings every rank its slice of each of them, and it adds them in order. At
/// the end an all-gather gives everybody the whole. Costs (rounds + 1) x the gradients in traffic,
/// where a ring all-reduce costs 2 x, hides none of it behind the backward pass, and takes memory
/// for three copies of the gradients.
class FixedOrderSum {
 public:
  /// `gradients` [N]: the flat buffer that backward passes fill, the same size on every rank.
  FixedOrderSum(const at::Tensor& gradients, Communicator& communicator);

  /// Before the first round of a step.
  void begin();

  /// Adds what the first `contributors` ranks have in the gradients now (1 to size; the others'
  /// gradients are not looked at). Collective. A rank's micro-batches are numbers rank, rank +
  /// size, ...: rounds in order are micro-batches in order.
  void add_round(int contributors);

  /// Writes the sums to the gradients. Collective. Returns the seconds that the communication of
  /// this step took, waiting for other ranks included.
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
