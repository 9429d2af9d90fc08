// One optimiser step: the rank's micro-batches forward and backward, the gradients summed over
// ranks, clipped, applied. Collective: every rank calls it the same number of times.
#pragma once

#include <array>
#include <csignal>
#include <cstdint>
#include <functional>

#include "cluster/communicator.h"
#include "cluster/gradient_reducer.h"
#include "data/batch_loader.h"
#include "model/wavlm.h"
#include "train/optimizer.h"

namespace s2i {

/// Signals on which a run saves and stops, in the order in which they win when ranks got different
/// ones.
constexpr std::array<int, 3> kStopSignals = {SIGTERM, SIGINT, SIGUSR1};

/// Where the time of a step went, in seconds, as this rank saw it.
struct StepTimes {
  double data = 0;  ///< Waiting for the loader.
  double forward = 0;
  double backward = 0;
  double reduction =
      0;  ///< Waiting for gradients from other ranks: what the backward did not hide.
  double optimizer = 0;  ///< Norm, clipping, update.
  double total = 0;
};

struct StepResult {
  double loss = 0;       ///< Mean over the global batch.
  double grad_norm = 0;  ///< L2 norm of the whole gradient, before clipping.
  bool applied =
      true;  ///< False: loss or gradient not finite, the update was skipped on all ranks.
  int stop_signal = 0;          ///< A signal that reached any of the ranks, or 0.
  double reduction_hidden = 0;  ///< Share of the reduction that ran behind the backward pass.
  StepTimes seconds;
};

struct StepSettings {
  ForwardOptions forward;  ///< Padding mode and type; the keys are filled in by the step.
  uint64_t seed = 0;
  double label_smoothing = 0;
  double clip_norm = 0;  ///< 0: no clipping.
};

class TrainStep {
 public:
  /// All referred to must outlive the step runner.
  TrainStep(WavLMForIntent& model, GradientReducer& reducer, Optimizer& optimizer,
            Communicator& communicator, at::Device device, StepSettings settings);

  /// Runs step number `step` of the run. `next_batch` gives this rank's `num_micro_batches`;
  /// `global_count` is the number of utterances over all ranks; `received_signal` is this rank's.
  StepResult run(int64_t step, double learning_rate, int64_t global_count,
                 int64_t num_micro_batches, const std::function<Batch()>& next_batch,
                 int received_signal);

 private:
  /// Adds to the gradients; returns the loss summed over the rank's utterances of this micro-batch.
  double forward_backward(const Batch& batch, int64_t step, int64_t global_count, bool last,
                          StepTimes& times);
  void agree(StepResult& result, int received_signal);

  WavLMForIntent& model_;
  GradientReducer& reducer_;
  Optimizer& optimizer_;
  Communicator& communicator_;
  at::Device device_;
  StepSettings settings_;
};

}  // namespace s2i
