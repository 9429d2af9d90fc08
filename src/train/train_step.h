// One optimizer step: the rank's micro-batches forward and backward, the gradients summed over
// ranks, clipped, applied. Collective: every rank calls it the same number of times.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "classification/intent_classifier.h"
#include "cluster/comm/communicator.h"
#include "cluster/reduce/fixed_order_sum.h"
#include "cluster/reduce/gradient_reducer.h"
#include "data/batch_loader.h"
#include "optim/optimizer.h"

namespace s2i {

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
  /// Signals that stop a run, in the order in which they win when ranks got different ones.
  std::vector<int> stop_signals;
  /// Sum gradients in the order of micro-batches, bit-identical for every number of ranks.
  bool reproducible = false;
};

/// How much work a step is, over all ranks. Micro-batch m is rank m mod world size's.
struct StepWorkload {
  int64_t utterances = 0;
  int64_t micro_batches = 0;
};

class TrainStep {
 public:
  /// All referred to must outlive the step runner.
  TrainStep(IntentClassifier& model, GradientReducer& reducer, Optimizer& optimizer,
            Communicator& communicator, at::Device device, StepSettings settings);

  /// Runs step number `step` of the run. `next_batch` gives this rank's micro-batches of it one
  /// after another; `received_signal` is this rank's.
  StepResult run(int64_t step, double learning_rate, const StepWorkload& size,
                 const std::function<Batch()>& next_batch, int received_signal);

 private:
  /// Forward and backward of the rank's micro-batches; leaves the sum over ranks in the gradients.
  /// Fills in the loss summed over utterances of each micro-batch that was this rank's.
  void sum_overlapped(int64_t step, const StepWorkload& size,
                      const std::function<Batch()>& next_batch, std::vector<double>& losses,
                      StepResult& result);
  void sum_in_fixed_order(int64_t step, const StepWorkload& size,
                          const std::function<Batch()>& next_batch, std::vector<double>& losses,
                          StepResult& result);
  /// Adds to the gradients; returns the loss summed over the utterances of this micro-batch.
  double forward_backward(const Batch& batch, int64_t step, int64_t global_count, bool reduce,
                          StepTimes& times);
  /// The loss and the signal of all ranks.
  void agree(StepResult& result, const StepWorkload& size, const std::vector<double>& losses,
             int received_signal);

  IntentClassifier& model_;
  GradientReducer& reducer_;
  Optimizer& optimizer_;
  Communicator& communicator_;
  at::Device device_;
  StepSettings settings_;
  std::optional<FixedOrderSum> fixed_order_;
};

}  // namespace s2i
