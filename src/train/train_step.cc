#include "train/train_step.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "classification/loss.h"
#include "cluster/comm/global_values.h"
#include "core/clock.h"
#include "core/random.h"
#include "train/batch_tensors.h"

namespace s2i {

struct TrainStep::Running {
  int64_t step;
  const StepWorkload& work;
  const std::function<Batch()>& next_batch;
  StepRecord& record;
  std::vector<double> losses;  ///< [micro-batch] summed over utterances; 0 for other ranks'.
};

StepWorkload workload_of(const StepPlan& plan) {
  return {plan.global_count, static_cast<int64_t>(plan.micro_batches.size())};
}

TrainStep::TrainStep(IntentClassifier& model, GradientReducer& reducer, Optimizer& optimizer,
                     Communicator& communicator, StepSettings settings)
    : model_(model),
      reducer_(reducer),
      optimizer_(optimizer),
      communicator_(communicator),
      settings_(std::move(settings)),
      stop_vote_(communicator, settings_.stop_signals) {
  if (settings_.reproducible) fixed_order_.emplace(reducer_.flat_gradients(), communicator_);
}

StepOutcome TrainStep::run(int64_t step, double learning_rate, const StepWorkload& work,
                           const std::function<Batch()>& next_batch, int received_signal) {
  const Stopwatch total;
  Activity& activity = communicator_.activity();
  activity.begin_unit(fmt::format("train step {}", step + 1));
  StepOutcome outcome;
  StepRecord& record = outcome.record;
  record.step = step + 1;
  record.utterances = work.utterances;
  record.learning_rate = learning_rate;
  Running running{step, work, next_batch, record,
                  std::vector<double>(static_cast<size_t>(work.micro_batches), 0.0)};
  fixed_order_ ? sum_in_fixed_order(running) : sum_overlapped(running);

  activity.enter("agreement");
  stop_vote_.start(received_signal);
  record.loss = mean_loss(running);
  outcome.stop_signal = stop_vote_.wait();

  activity.enter("optimizer");
  update(record);
  record.seconds.total = total.seconds();
  activity.end_step(record);
  return outcome;
}

void TrainStep::sum_overlapped(Running& running) {
  const int64_t ranks = communicator_.size();
  const int64_t micro_batches = running.work.micro_batches;
  reducer_.zero();
  // A rank without a micro-batch adds zero and takes part in the reduction.
  if (communicator_.rank() >= micro_batches) reducer_.begin(/*reduce=*/true);
  for (int64_t micro = communicator_.rank(); micro < micro_batches; micro += ranks) {
    const bool is_last = micro + ranks >= micro_batches;
    forward_backward(running, micro, /*reduce=*/is_last);
  }
  communicator_.activity().enter("reduction");
  const ReduceStats reduced = reducer_.finalize();
  running.record.seconds.reduction = reduced.exposed_seconds;
  running.record.reduction_hidden = reduced.hidden_share();
}

void TrainStep::sum_in_fixed_order(Running& running) {
  const int64_t ranks = communicator_.size();
  const int64_t micro_batches = running.work.micro_batches;
  fixed_order_->begin();
  for (int64_t first = 0; first < micro_batches; first += ranks) {
    const int64_t micro = first + communicator_.rank();
    if (micro < micro_batches) {
      reducer_.zero();
      forward_backward(running, micro, /*reduce=*/false);
    }
    communicator_.activity().enter("reduction");
    fixed_order_->add_round(static_cast<int>(std::min(ranks, micro_batches - first)));
  }
  running.record.seconds.reduction = fixed_order_->finish();
}

void TrainStep::forward_backward(Running& running, int64_t micro, bool reduce) {
  StepSeconds& seconds = running.record.seconds;
  communicator_.activity().enter("data");
  Stopwatch watch;
  const Batch batch = running.next_batch();
  seconds.data += watch.lap();

  communicator_.activity().enter("forward");
  ForwardOptions options = settings_.forward;
  options.training = true;
  options.step_key = derive_key(settings_.seed, RandomPurpose::kLayerDrop, running.step);
  options.utterance_keys.clear();
  for (const uint32_t utterance : batch.utterance) {
    options.utterance_keys.push_back(
        derive_key(settings_.seed, RandomPurpose::kDropout, running.step, utterance));
  }
  const BatchTensors tensors = to_tensors(batch, model_.device());
  const at::Tensor logits = model_.forward(tensors.audio, batch.length, options);
  const at::Tensor loss_sum = cross_entropy_sum(logits, tensors.label, settings_.label_smoothing);
  seconds.forward += watch.lap();

  communicator_.activity().enter("backward");
  // Divided by the global count, so that the sum over ranks is the gradient of the mean.
  const at::Tensor loss = loss_sum.div(static_cast<double>(running.work.utterances));
  reducer_.begin(reduce, loss);
  loss.backward();
  seconds.backward += watch.lap();
  running.losses[static_cast<size_t>(micro)] = loss_sum.item<double>();
}

double TrainStep::mean_loss(Running& running) {
  // Each micro-batch's loss is nonzero on one rank only, so the global sum does not round. Added
  // here in the order of micro-batches, the total does not depend on the number of ranks.
  global_sum(communicator_, running.losses, "loss");
  double total = 0;
  for (const double loss : running.losses) total += loss;
  return total / static_cast<double>(running.work.utterances);
}

void TrainStep::update(StepRecord& record) {
  Stopwatch watch;
  // The gradient is the same on every rank, and so is every decision based on it.
  record.grad_norm = reducer_.norm().item<double>();
  // The device has finished. If NCCL aborted, the reduced gradient is invalid.
  communicator_.check();
  record.applied = std::isfinite(record.grad_norm) && std::isfinite(record.loss);
  if (record.applied) {
    if (settings_.clip_norm > 0 && record.grad_norm > settings_.clip_norm) {
      reducer_.flat_gradients().mul_(settings_.clip_norm / record.grad_norm);
    }
    optimizer_.step(record.learning_rate);
  }
  record.seconds.optimizer = watch.lap();
}

}  // namespace s2i
