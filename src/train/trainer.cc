#include "train/trainer.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/clock.h"
#include "core/error.h"
#include "core/format.h"
#include "core/stop_signal.h"
#include "train/batch_tensors.h"
#include "train/out_of_memory.h"

namespace s2i {
namespace {

int64_t count_total_steps(const LoopConfig& train, int64_t steps_per_epoch) {
  const int64_t by_epochs = train.epochs * steps_per_epoch;
  if (train.max_steps == 0) return by_epochs;
  return train.epochs == 0 ? train.max_steps : std::min(train.max_steps, by_epochs);
}

ReducerOptions reducer_options(const ClusterConfig& cluster) {
  ReducerOptions options;
  options.bucket_mib = cluster.bucket_mib;
  options.type = cluster.reduce_type == "bf16" ? ReduceType::kBFloat16 : ReduceType::kFloat32;
  return options;
}

CheckpointWriterSettings writer_settings(const CheckpointConfig& checkpoint) {
  return {.asynchronous = checkpoint.asynchronous,
          .max_failures = checkpoint.max_failures,
          .retention = {checkpoint.keep, checkpoint.keep_every_steps}};
}

StepWorkload size_of(const StepPlan& plan) {
  return {plan.global_count, static_cast<int64_t>(plan.micro_batches.size())};
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, const TrainingData& data, IntentClassifier& model,
                 const PreprocessorConfig& preprocessor, Communicator& communicator,
                 at::Device device, ForwardOptions forward, LoaderSettings loader)
    : config_(config),
      data_(data),
      model_(model),
      preprocessor_(preprocessor),
      communicator_(communicator),
      device_(device),
      forward_(std::move(forward)),
      loader_(std::move(loader)),
      lengths_(utterance_lengths(*data.train)),
      batch_{config.batch.global_batch, config.batch.micro_batch, config.batch.pool_batches},
      steps_per_epoch_(
          EpochPlan::count_steps(static_cast<int64_t>(data.train_utterances.size()), batch_)),
      schedule_(config.schedule, config.optimizer.learning_rate,
                count_total_steps(config.train, steps_per_epoch_)),
      reducer_(tensors_of(model.trainable()), communicator, reducer_options(config.cluster)),
      optimizer_(config.optimizer, model.trainable()),
      step_(model, reducer_, optimizer_, communicator, device,
            {forward_, static_cast<uint64_t>(config.run.seed), config.train.label_smoothing,
             config.optimizer.clip_norm, parse_signals(config.run.stop_signals, "run.stop_signals"),
             config.cluster.reproducible}),
      checkpoints_(config.run.dir),
      spikes_(config.train.spike_factor) {
  if (communicator.size() > 1 && config.cluster.straggler_steps > 0) {
    stragglers_.emplace(StragglerSettings{.factor = config.cluster.straggler_factor},
                        communicator.gather_text(host_name(), "host names"));
  }
  if (!is_main()) return;
  writer_.emplace(checkpoints_, writer_settings(config.checkpoint),
                  [this](const std::filesystem::path& folder, const CheckpointContent& content) {
                    write_content(folder, content);
                    // What the logs say of the steps before is on disk when the checkpoint is.
                    metrics_->sync();
                    validations_->sync();
                  });
}

Trainer::~Trainer() = default;

TrainOutcome Trainer::run() {
  if (is_main()) {
    const std::filesystem::path dir = config_.run.dir;
    metrics_.emplace(dir / "metrics.jsonl", state_.step);
    for (const double loss : metrics_->kept("loss")) spikes_.add(loss);
    validations_.emplace(dir / "validation.jsonl", state_.step - (state_.validation_due ? 1 : 0));
  }
  if (std::exchange(state_.validation_due, false)) {
    const bool is_best = validate();
    state_.validation_due = stop_signal_ != 0;
    save_checkpoint(is_best);
  }
  ProgressBar bar("train", schedule_.total_steps(), is_main());
  bar.update(state_.step);
  while (!state_.finished && stop_signal_ == 0) train_epoch(bar);
  bar.finish();
  if (writer_) {
    checkpoint_seconds_ += writer_->finish();
    spdlog::info("stood still for {:.2f} s for the last checkpoint", checkpoint_seconds_);
  }
  for (auto* log : {&metrics_, &validations_}) {
    if (*log) (*log)->flush();
  }
  if (is_main() && data_.validation_utterances.empty() && stop_signal_ == 0) {
    checkpoints_.mark_best(state_.step);  // nothing was validated: the last is the best there is
  }
  communicator_.activity().begin_unit("end of training");
  // Rank 0 may still be writing what the others are about to read.
  communicator_.barrier("the last checkpoint");
  return {state_, stop_signal_};
}

void Trainer::train_epoch(ProgressBar& bar) {
  const EpochPlan plan(data_.train_utterances, lengths_, batch_,
                       static_cast<uint64_t>(config_.run.seed), state_.epoch, communicator_.size());
  std::vector<MicroBatch> work;
  for (int64_t i = state_.step_in_epoch; i < plan.num_steps(); ++i) {
    for (auto& micro : plan.step(i).of_rank(communicator_.rank(), communicator_.size())) {
      work.push_back(std::move(micro));
    }
  }
  BatchLoader loader(*data_.train, std::move(work), loader_);
  const int64_t epoch = state_.epoch;
  while (state_.epoch == epoch && take_step(plan, loader, bar)) {
  }
}

StepResult Trainer::run_step(const std::string& what, double learning_rate, const StepPlan& plan,
                             BatchLoader& loader, int received_signal) {
  const auto own = plan.of_rank(communicator_.rank(), communicator_.size());
  size_t taken = 0;
  const auto next_batch = [&] {
    ++taken;
    return loader.next();
  };
  try {
    return step_.run(state_.step, learning_rate, size_of(plan), next_batch, received_signal);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    // The one that was asked for last, also if it is the loader that had no memory for it.
    const auto batch = taken == 0 ? std::vector<uint32_t>() : own[taken - 1].utterances;
    throw RunError(
        "out of memory in {} on rank {} with a micro-batch of {}; lower batch.micro (now {}; the "
        "result stays the same), or set precision=bf16",
        what, communicator_.rank(), describe_batch(batch, loader_.length_multiple, *data_.train),
        batch_.micro_batch == 0 ? "a rank's whole share" : std::to_string(batch_.micro_batch));
  }
}

bool Trainer::take_step(const EpochPlan& plan, BatchLoader& loader, ProgressBar& bar) {
  const StepPlan step_plan = plan.step(state_.step_in_epoch);
  const double learning_rate = schedule_.learning_rate(state_.step);
  const StepResult result = run_step(fmt::format("step {}", state_.step + 1), learning_rate,
                                     step_plan, loader, StopSignal::received());
  look_for_stragglers(result.seconds);
  check_finite(result, step_plan);
  if (writer_) writer_->check();
  const bool epoch_ended = state_.step_in_epoch + 1 == plan.num_steps();
  advance(epoch_ended);
  if (is_main()) log_step(result, learning_rate, step_plan, plan.padding(step_plan), bar);

  const int64_t every = config_.train.evaluate_every_steps;
  state_.finished = state_.step >= schedule_.total_steps();
  const bool validation_due =
      !data_.validation_utterances.empty() &&
      (state_.finished || (every == 0 ? epoch_ended : state_.step % every == 0));
  stop_signal_ = result.stop_signal;
  const bool is_best = stop_signal_ == 0 && validation_due && validate();
  if (stop_signal_ != 0) {  // it came before or in a validation: that is for the next start
    state_.validation_due = validation_due;
    save_checkpoint(/*is_best=*/false);
    return false;
  }
  const int64_t save_every = config_.checkpoint.every_steps;
  if (validation_due || state_.finished || epoch_ended ||
      (save_every > 0 && state_.step % save_every == 0)) {
    save_checkpoint(is_best);
  }
  return !state_.finished;
}

void Trainer::look_for_stragglers(const StepTimes& seconds) {
  if (!stragglers_) return;
  work_.data += seconds.data;
  work_.forward += seconds.forward;
  work_.backward += seconds.backward;
  if (++work_steps_ < config_.cluster.straggler_steps) return;
  at::Tensor mine = at::empty({3}, at::kDouble);
  const auto steps = static_cast<double>(std::exchange(work_steps_, 0));
  double* values = mine.data_ptr<double>();
  values[0] = work_.data / steps;
  values[1] = work_.forward / steps;
  values[2] = work_.backward / steps;
  work_ = {};
  const at::Tensor gathered = communicator_.all_gather(mine, "work of each rank");
  if (!is_main()) return;
  std::vector<RankWork> all;
  for (int64_t rank = 0; rank < communicator_.size(); ++rank) {
    const double* row = gathered.const_data_ptr<double>() + 3 * rank;
    all.push_back({row[0], row[1], row[2]});
  }
  for (const auto& line : stragglers_->add(all)) spdlog::warn("step {}: {}", state_.step + 1, line);
}

void Trainer::advance(bool epoch_ended) {
  ++state_.step;
  ++state_.step_in_epoch;
  if (epoch_ended) {
    ++state_.epoch;
    state_.step_in_epoch = 0;
  }
}

void Trainer::check_finite(const StepResult& result, const StepPlan& plan) {
  if (result.applied) {
    state_.consecutive_nonfinite_steps = 0;
    return;
  }
  if (is_main()) {
    spdlog::warn("step {}: loss {} or gradient norm {} is not finite; the update is skipped",
                 state_.step + 1, number_text(result.loss), number_text(result.grad_norm));
  }
  const int64_t in_a_row = state_.consecutive_nonfinite_steps + 1;
  if (in_a_row < config_.train.max_bad_steps) {
    ++state_.skipped_steps;
    state_.consecutive_nonfinite_steps = in_a_row;
    return;
  }
  const std::vector<std::string> ids = ids_of(plan);
  if (is_main()) dump_bad_step(result, ids);
  communicator_.barrier("the dump of a bad step");  // the error of another rank ends this one too
  throw RunError(
      "loss or gradient not finite for {} steps in a row (train.max_bad_steps); lower "
      "optimizer.learning_rate or look at these utterances of the last batch: {}",
      in_a_row, fmt::join(ids, " "));
}

std::vector<std::string> Trainer::ids_of(const StepPlan& plan) const {
  std::vector<std::string> ids;
  for (const auto& micro : plan.micro_batches) {
    for (const uint32_t utterance : micro.utterances) ids.push_back(data_.train->id(utterance));
  }
  return ids;
}

bool Trainer::validate() {
  const Stopwatch watch;
  EvaluationSettings settings;
  settings.batch = config_.batch.evaluation_batch;
  settings.forward = forward_;
  settings.loader = loader_;
  settings.stop_signals = parse_signals(config_.run.stop_signals, "run.stop_signals");
  const auto [predictions, stopped_by] = predict(
      model_, device_, *data_.validation, data_.validation_utterances, communicator_, settings);
  stop_signal_ = stopped_by;
  if (stop_signal_ != 0) return false;
  const ClassificationMetrics figures = compute_metrics(predictions, model_.config().num_labels());
  const double value = metric_value(figures, config_.train.best_metric);
  const bool is_best = note_validation(state_, value, figures.loss);
  if (out_of_patience()) state_.finished = true;
  if (!is_main()) return is_best;
  if (!std::isfinite(figures.loss)) {
    spdlog::warn("step {}: the validation loss {} is not finite; it is not taken for the best",
                 state_.step, number_text(figures.loss));
  }
  validations_->append({{"step", state_.step},
                        {"epoch", state_.epoch},
                        {"count", figures.count},
                        {"loss", figures.loss},
                        {"accuracy", figures.accuracy},
                        {"f1_weighted", figures.f1_weighted},
                        {"f1_macro", figures.f1_macro},
                        {"best", is_best},
                        {"seconds", watch.seconds()}});
  spdlog::info(
      "step {}, {} epochs done: validation accuracy {:.4f}, weighted F1 {:.4f}, loss {:.4f}{}",
      state_.step, state_.epoch, figures.accuracy, figures.f1_weighted, figures.loss,
      is_best ? " (best so far)" : "");
  if (state_.finished && state_.step < schedule_.total_steps()) {
    spdlog::info("stopping early: {} validations without a better {}", state_.since_best,
                 config_.train.best_metric);
  }
  return is_best;
}

void Trainer::log_step(const StepResult& result, double learning_rate, const StepPlan& plan,
                       const PaddingCount& padding, ProgressBar& bar) {
  const double rate = static_cast<double>(plan.global_count) / result.seconds.total;
  const bool spike = spikes_.add(result.loss);
  if (spike) {
    spdlog::warn("step {}: the loss {:.4f} is over {} times the median before; its utterances: {}",
                 state_.step, result.loss, config_.train.spike_factor,
                 fmt::join(ids_of(plan), " "));
  }
  metrics_->append({{"step", state_.step},
                    {"epoch", state_.epoch + (state_.step_in_epoch == 0 ? 0 : 1)},
                    {"loss", result.loss},
                    {"learning_rate", learning_rate},
                    {"grad_norm", result.grad_norm},
                    {"applied", result.applied},
                    {"spike", spike},
                    {"utterances", plan.global_count},
                    {"padding", padding.share()},
                    {"utterances_per_second", rate},
                    {"reduction_hidden", result.reduction_hidden},
                    {"seconds",
                     {{"data", result.seconds.data},
                      {"forward", result.seconds.forward},
                      {"backward", result.seconds.backward},
                      {"reduction", result.seconds.reduction},
                      {"optimizer", result.seconds.optimizer},
                      {"checkpoint", std::exchange(checkpoint_seconds_, 0.0)},
                      {"total", result.seconds.total}}}});
  const double epochs = static_cast<double>(state_.step) / static_cast<double>(steps_per_epoch_);
  bar.update(state_.step, fmt::format("epoch {:.2f} loss {:.4f} lr {:.2e} {:.1f} utt/s", epochs,
                                      result.loss, learning_rate, rate));
}

double Trainer::try_longest_batch() {
  std::vector<uint32_t> longest = data_.train_utterances;
  const size_t count = std::min(longest.size(), static_cast<size_t>(batch_.global_batch));
  std::partial_sort(longest.begin(), longest.begin() + static_cast<ptrdiff_t>(count), longest.end(),
                    [&](uint32_t a, uint32_t b) { return lengths_[a] > lengths_[b]; });
  longest.resize(count);
  const EpochPlan plan(longest, lengths_, batch_, 0, 0, communicator_.size());
  const StepPlan step_plan = plan.step(0);
  const auto own = step_plan.of_rank(communicator_.rank(), communicator_.size());
  BatchLoader loader(*data_.train, own, loader_);
  return run_step("a dry run", 0.0, step_plan, loader, 0).seconds.total;
}

}  // namespace s2i
