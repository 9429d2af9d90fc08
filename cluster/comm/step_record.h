// What one training step did and where its time went: made by TrainStep; read by metrics, the
// straggler check, the watchdog and s2i-bench.
#pragma once

#include <cstdint>

namespace s2i {

/// Where the time of a step went on this rank, in seconds.
struct StepSeconds {
  double data = 0;  ///< Waiting for the data loader.
  double forward = 0;
  double backward = 0;
  double reduction = 0;  ///< Gradient reduction that the backward pass did not hide.
  double optimizer = 0;  ///< Gradient norm, clipping and update.
  double total = 0;

  /// Time without waiting for other ranks. All ranks end a step together, so the total does not
  /// show which rank is slow.
  double work() const { return data + forward + backward; }
};

struct StepRecord {
  int64_t step = 0;        ///< Counted from 1.
  int64_t utterances = 0;  ///< In the global batch.
  double learning_rate = 0;
  double loss = 0;              ///< Mean over the global batch.
  double grad_norm = 0;         ///< L2 norm of the whole gradient before clipping.
  bool applied = true;          ///< False: loss or gradient not finite, no rank applied the update.
  double reduction_hidden = 0;  ///< Fraction of the reduction that overlapped the backward pass.
  StepSeconds seconds;
};

}  // namespace s2i
