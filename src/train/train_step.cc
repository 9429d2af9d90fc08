#include "train/train_step.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "classification/loss.h"
#include "core/random.h"
#include "train/batch_tensors.h"

namespace s2i {

struct TrainStep::Running {
  int64_t step;
  const StepWorkload& work;
  const std::function<Batch()>& next_batch;
  StepRecord& record;
  PhaseTimes& times;
  /// [micro-batch] float32 on the device: summed over its utterances; 0 for other ranks'.
  at::Tensor losses;
  std::vector<Batch> batches = {};  ///< Of this rank.
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
  StartedStep started = start(step, learning_rate, work, next_batch, received_signal);
  return {finish(started), started.stop_signal};
}

StartedStep TrainStep::start(int64_t step, double learning_rate, const StepWorkload& work,
                             const std::function<Batch()>& next_batch, int received_signal) {
  Activity& activity = communicator_.activity();
  activity.begin_unit(fmt::format("train step {}", step + 1));
  PhaseTimes times(model_.device());
  StepRecord record;
  record.step = step + 1;
  record.utterances = work.utterances;
  record.learning_rate = learning_rate;
  Running running{
      step,
      work,
      next_batch,
      record,
      times,
      at::zeros({work.micro_batches}, reducer_.flat_gradients().options().requires_grad(false))};
  fixed_order_ ? sum_in_fixed_order(running) : sum_overlapped(running);

  activity.enter("agreement");
  stop_vote_.start(received_signal);
  // Each micro-batch's loss is nonzero on one rank only, so the sum over ranks does not round.
  communicator_.all_reduce_sum(running.losses, "loss");
  const int stop_signal = stop_vote_.wait();
  times.lap(&StepSeconds::reduction);

  activity.enter("optimizer");
  const at::Tensor norm = reducer_.norm();
  optimizer_.step({learning_rate, settings_.clip_norm, norm, running.losses});
  times.lap(&StepSeconds::optimizer);
  DeviceRead results(at::cat({norm.view(1), running.losses}));
  return {record, stop_signal, std::move(times), std::move(results), std::move(running.batches)};
}

StepRecord TrainStep::finish(StartedStep& started) {
  communicator_.activity().enter("results of the step");
  const at::Tensor& results = started.results.wait();
  // The device has finished. If NCCL aborted, the reduced gradient is invalid.
  communicator_.check();
  StepRecord& record = started.record;
  const float* values = results.const_data_ptr<float>();
  record.grad_norm = values[0];
  // Added in the order of micro-batches: the total does not depend on the number of ranks.
  double total = 0;
  for (int64_t micro = 1; micro < results.numel(); ++micro) total += values[micro];
  record.loss = total / static_cast<double>(record.utterances);
  // As the device decided it: the gradient is the same on every rank, and so is the decision.
  record.applied = std::isfinite(record.grad_norm) && std::isfinite(record.loss);
  record.seconds = started.times.read();
  communicator_.activity().end_step(record);
  return record;
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
  running.times.lap(&StepSeconds::reduction);
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
    running.times.lap(&StepSeconds::reduction);
  }
  fixed_order_->finish();
  running.times.lap(&StepSeconds::reduction);
}

void TrainStep::forward_backward(Running& running, int64_t micro, bool reduce) {
  communicator_.activity().enter("data");
  const Batch& batch = running.batches.emplace_back(running.next_batch());
  running.times.lap(&StepSeconds::data);

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
  running.times.lap(&StepSeconds::forward);

  communicator_.activity().enter("backward");
  // Divided by the global count, so that the sum over ranks is the gradient of the mean.
  const at::Tensor loss = loss_sum.div(static_cast<double>(running.work.utterances));
  reducer_.begin(reduce, loss);
  loss.backward();
  running.losses[micro].copy_(loss_sum.detach());
  running.times.lap(&StepSeconds::backward);
}

}  // namespace s2i
