#include "train/train_step.h"

#include <ATen/ops/zeros.h>

#include <cmath>
#include <utility>

#include "core/clock.h"
#include "core/random.h"
#include "model/loss.h"
#include "train/batch_tensors.h"

namespace s2i {

TrainStep::TrainStep(WavLMForIntent& model, GradientReducer& reducer, Optimizer& optimizer,
                     Communicator& communicator, at::Device device, StepSettings settings)
    : model_(model),
      reducer_(reducer),
      optimizer_(optimizer),
      communicator_(communicator),
      device_(device),
      settings_(std::move(settings)) {}

double TrainStep::forward_backward(const Batch& batch, int64_t step, int64_t global_count,
                                   bool last, StepTimes& times) {
  Stopwatch watch;
  ForwardOptions options = settings_.forward;
  options.training = true;
  options.step_key = derive_key(settings_.seed, RandomPurpose::kLayerDrop, step);
  options.utterance_keys.clear();
  for (const uint32_t utterance : batch.utterance) {
    options.utterance_keys.push_back(
        derive_key(settings_.seed, RandomPurpose::kDropout, step, utterance));
  }
  const BatchTensors tensors = to_tensors(batch, device_);
  const at::Tensor logits = model_.forward(tensors.audio, tensors.length, options);
  const at::Tensor loss_sum = cross_entropy_sum(logits, tensors.label, settings_.label_smoothing);
  times.forward += watch.lap();
  // Divided by the global count, so that the sum over ranks is the gradient of the mean.
  const at::Tensor loss = loss_sum.div(static_cast<double>(global_count));
  reducer_.begin(/*reduce=*/last, loss);
  loss.backward();
  times.backward += watch.lap();
  return loss_sum.item<double>();
}

void TrainStep::agree(StepResult& result, int received_signal) {
  at::Tensor shared = at::zeros({1 + static_cast<int64_t>(kStopSignals.size())}, at::kDouble);
  double* values = shared.data_ptr<double>();
  values[0] = result.loss;
  for (size_t i = 0; i < kStopSignals.size(); ++i) {
    values[1 + i] = received_signal == kStopSignals[i] ? 1 : 0;
  }
  communicator_.all_reduce_sum(shared, "step agreement");
  result.loss = values[0];
  for (size_t i = kStopSignals.size(); i-- > 0;) {
    if (values[1 + i] > 0) result.stop_signal = kStopSignals[i];
  }
}

StepResult TrainStep::run(int64_t step, double learning_rate, int64_t global_count,
                          int64_t num_micro_batches, const std::function<Batch()>& next_batch,
                          int received_signal) {
  StepResult result;
  const Stopwatch total;
  Stopwatch watch;
  reducer_.zero();
  if (num_micro_batches == 0) reducer_.begin(/*reduce=*/true);  // adds zero, and takes part
  for (int64_t micro = 0; micro < num_micro_batches; ++micro) {
    watch.lap();
    const Batch batch = next_batch();
    result.seconds.data += watch.lap();
    const bool last = micro + 1 == num_micro_batches;
    result.loss += forward_backward(batch, step, global_count, last, result.seconds);
  }
  result.loss /= static_cast<double>(global_count);

  const ReduceStats reduced = reducer_.finalize();
  result.seconds.reduction = reduced.exposed_seconds;
  result.reduction_hidden = reduced.hidden_share();
  agree(result, received_signal);

  watch.lap();
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
  result.seconds.optimizer = watch.lap();
  result.seconds.total = total.seconds();
  return result;
}

}  // namespace s2i
