// One optimizer step: forward and backward of the rank's micro-batches, gradients summed over
// ranks, clipped, applied.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "classification/intent_classifier.h"
#include "cluster/comm/communicator.h"
#include "cluster/comm/step_record.h"
#include "cluster/comm/stop_vote.h"
#include "cluster/reduce/fixed_order_sum.h"
#include "cluster/reduce/gradient_reducer.h"
#include "data/batch_loader.h"
#include "data/epoch_plan.h"
#include "optim/optimizer.h"
#include "train/device_read.h"
#include "train/phase_times.h"

namespace s2i {

struct StepSettings {
  ForwardOptions forward;  ///< Padding and type; the step fills in the keys.
  uint64_t seed = 0;
  double label_smoothing = 0;
  double clip_norm = 0;  ///< 0: no clipping.
  /// Signals that stop a run, in order of priority.
  std::vector<int> stop_signals;
  /// Sum gradients in the order of micro-batches: bit-identical for every number of ranks.
  bool reproducible = false;
};

/// The work of one step over all ranks. Micro-batch m belongs to rank m mod world size.
struct StepWorkload {
  int64_t utterances = 0;
  int64_t micro_batches = 0;
};
StepWorkload workload_of(const StepPlan& plan);

struct StepOutcome {
  StepRecord record;
  int stop_signal = 0;  ///< A signal that any rank received, or 0.
};

/// A step whose work is queued on the device. What it did is known when the device gets there.
struct StartedStep {
  StepRecord record;    ///< Without what the device decides: loss, norm, applied, seconds.
  int stop_signal = 0;  ///< A signal that any rank received, or 0: known already.
  PhaseTimes times;
  DeviceRead results;  ///< [1 + micro-batches] float32: gradient norm, loss of each micro-batch
  std::vector<Batch> batches;  ///< A GPU may still be copying from them.
};

class TrainStep {
 public:
  /// All referenced objects outlive this one.
  TrainStep(IntentClassifier& model, GradientReducer& reducer, Optimizer& optimizer,
            Communicator& communicator, StepSettings settings);

  /// Queues step number `step`, counted from 0; a GPU is not waited for, and on a CPU the step has
  /// been taken. `next_batch` returns this rank's micro-batches one after another;
  /// `received_signal` is the signal this rank received, or 0. If the loss or the gradient is not
  /// finite, the device skips the update, so that a step may start before the one before it is
  /// finished. Collective. Throws RunError when a collective fails.
  StartedStep start(int64_t step, double learning_rate, const StepWorkload& work,
                    const std::function<Batch()>& next_batch, int received_signal);

  /// Waits for a started step, the oldest one first. Throws RunError when a collective failed.
  StepRecord finish(StartedStep& started);

  /// start() and finish().
  StepOutcome run(int64_t step, double learning_rate, const StepWorkload& work,
                  const std::function<Batch()>& next_batch, int received_signal);

 private:
  /// What one step works on and fills in.
  struct Running;

  /// Forward and backward of the rank's micro-batches; leaves the sum over ranks in the gradients.
  /// The reduction overlaps the backward pass.
  void sum_overlapped(Running& running);
  /// The same with a sum in the order of micro-batches, without overlap.
  void sum_in_fixed_order(Running& running);
  /// The next micro-batch, forward and backward: adds to the gradients.
  void forward_backward(Running& running, int64_t micro, bool reduce);

  IntentClassifier& model_;
  GradientReducer& reducer_;
  Optimizer& optimizer_;
  Communicator& communicator_;
  StepSettings settings_;
  StopVote stop_vote_;
  std::optional<FixedOrderSum> fixed_order_;
};

}  // namespace s2i
