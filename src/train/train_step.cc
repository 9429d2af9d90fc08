#include "train/train_step.h"

#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "classification/loss.h"
#include "core/clock.h"
#include "core/random.h"
#include "train/batch_tensors.h"

namespace s2i {

TrainStep::TrainStep(IntentClassifier& model, GradientReducer& reducer, Optimizer& optimizer,
                     Communicator& communicator, at::Device device, StepSettings settings)
    : model_(model),
      reducer_(reducer),
      optimizer_(optimizer),
      communicator_(communicator),
      device_(device),
      settings_(std::move(settings)) {
  if (settings_.reproducible) fixed_order_.emplace(reducer_.flat_gradients(), communicator_);
}

double TrainStep::forward_backward(const Batch& batch, int64_t step, int64_t global_count,
                                   bool reduce, StepTimes& times) {
  Stopwatch watch;
  communicator_.activity().enter("forward");
  ForwardOptions options = settings_.forward;
  options.training = true;
  options.step_key = derive_key(settings_.seed, RandomPurpose::kLayerDrop, step);
  options.utterance_keys.clear();
  for (const uint32_t utterance : batch.utterance) {
    options.utterance_keys.push_back(
        derive_key(settings_.seed, RandomPurpose::kDropout, step, utterance));
  }
  const BatchTensors tensors = to_tensors(batch, device_);
  const at::Tensor logits = model_.forward(tensors.audio, batch.length, options);
  const at::Tensor loss_sum = cross_entropy_sum(logits, tensors.label, settings_.label_smoothing);
  times.forward += watch.lap();
  communicator_.activity().enter("backward");
  // Divided by the global count, so that the sum over ranks is the gradient of the mean.
  const at::Tensor loss = loss_sum.div(static_cast<double>(global_count));
  reducer_.begin(reduce, loss);
  loss.backward();
  times.backward += watch.lap();
  return loss_sum.item<double>();
}

void TrainStep::sum_overlapped(int64_t step, const StepWorkload& size,
                               const std::function<Batch()>& next_batch,
                               std::vector<double>& losses, StepResult& result) {
  const int64_t ranks = communicator_.size();
  reducer_.zero();
  // A rank without a micro-batch adds zero, and takes part.
  if (communicator_.rank() >= size.micro_batches) reducer_.begin(/*reduce=*/true);
  for (int64_t micro = communicator_.rank(); micro < size.micro_batches; micro += ranks) {
    communicator_.activity().enter("data");
    Stopwatch watch;
    const Batch batch = next_batch();
    result.seconds.data += watch.lap();
    const bool last = micro + ranks >= size.micro_batches;
    losses[static_cast<size_t>(micro)] =
        forward_backward(batch, step, size.utterances, last, result.seconds);
  }
  communicator_.activity().enter("reduction");
  const ReduceStats reduced = reducer_.finalize();
  result.seconds.reduction = reduced.exposed_seconds;
  result.reduction_hidden = reduced.hidden_share();
}

void TrainStep::sum_in_fixed_order(int64_t step, const StepWorkload& size,
                                   const std::function<Batch()>& next_batch,
                                   std::vector<double>& losses, StepResult& result) {
  const int64_t ranks = communicator_.size();
  fixed_order_->begin();
  for (int64_t first = 0; first < size.micro_batches; first += ranks) {
    const int64_t micro = first + communicator_.rank();
    if (micro < size.micro_batches) {
      communicator_.activity().enter("data");
      Stopwatch watch;
      const Batch batch = next_batch();
      result.seconds.data += watch.lap();
      reducer_.zero();
      losses[static_cast<size_t>(micro)] =
          forward_backward(batch, step, size.utterances, /*reduce=*/false, result.seconds);
    }
    communicator_.activity().enter("reduction");
    fixed_order_->add_round(static_cast<int>(std::min(ranks, size.micro_batches - first)));
  }
  result.seconds.reduction = fixed_order_->finish();
}

void TrainStep::agree(StepResult& result, const StepWorkload& size,
                      const std::vector<double>& losses, int received_signal) {
  communicator_.activity().enter("agreement");
  const auto& signals = settings_.stop_signals;
  at::Tensor shared =
      at::zeros({static_cast<int64_t>(losses.size() + signals.size())}, at::kDouble);
  double* values = shared.data_ptr<double>();
  std::ranges::copy(losses, values);
  double* votes = values + losses.size();
  for (size_t i = 0; i < signals.size(); ++i) votes[i] = received_signal == signals[i] ? 1 : 0;
  communicator_.all_reduce_sum(shared, "step agreement");
  // Each micro-batch's loss came from one rank, so that it arrives as it was; added here in the
  // order of micro-batches, the sum does not depend on the number of ranks.
  for (size_t i = 0; i < losses.size(); ++i) result.loss += values[i];
  result.loss /= static_cast<double>(size.utterances);
  for (size_t i = signals.size(); i-- > 0;) {
    if (votes[i] > 0) result.stop_signal = signals[i];
  }
}

StepResult TrainStep::run(int64_t step, double learning_rate, const StepWorkload& size,
                          const std::function<Batch()>& next_batch, int received_signal) {
  StepResult result;
  const Stopwatch total;
  communicator_.activity().begin_unit(fmt::format("train step {}", step + 1));
  std::vector<double> losses(static_cast<size_t>(size.micro_batches), 0.0);
  if (fixed_order_) {
    sum_in_fixed_order(step, size, next_batch, losses, result);
  } else {
    sum_overlapped(step, size, next_batch, losses, result);
  }
  agree(result, size, losses, received_signal);

  communicator_.activity().enter("optimizer");
  Stopwatch watch;
  // The gradient is the same on every rank, and so is what is decided from it.
  result.grad_norm = reducer_.norm().item<double>();
  // The device is done by now. Had NCCL given up meanwhile, the sum would be no sum.
  communicator_.check();
  result.applied = std::isfinite(result.grad_norm) && std::isfinite(result.loss);
  if (result.applied) {
    if (settings_.clip_norm > 0 && result.grad_norm > settings_.clip_norm) {
      reducer_.flat_gradients().mul_(settings_.clip_norm / result.grad_norm);
    }
    optimizer_.step(learning_rate);
  }
  const StepTimes& times = result.seconds;
  result.seconds.optimizer = watch.lap();
  result.seconds.total = total.seconds();
  communicator_.activity().end_step(
      {step + 1, times.data, times.forward, times.backward, times.reduction, times.total});
  return result;
}

}  // namespace s2i
