#include "bench/s2i_bench/workbench.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Functions.h>

#include <algorithm>

#include "bench/s2i_bench/synthetic.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/random.h"
#include "nn/transformer_encoder.h"
#include "train/corpus.h"

namespace s2i {
namespace {

TrainConfig bench_config(const WorkbenchOptions& options) {
  TrainConfig config;
  ConfigFields fields = train_config_fields(config);
  if (!options.config.empty()) load_config(fields, options.config);
  for (const auto& assignment : options.overrides) override_config(fields, assignment);
  if (options.shape.empty() == config.model.init.empty()) {
    throw UserError("set one of --shape (such as base) and model.init=FOLDER");
  }
  return config;
}

/// Measures when each gradient is computed, from its construction to its destruction.
class GradientClock {
 public:
  explicit GradientClock(const GradientReducer& reducer) : seconds_(reducer.slots().size()) {
    for (size_t slot = 0; slot < seconds_.size(); ++slot) {
      const at::Tensor& parameter = reducer.slots()[slot].parameter;
      const unsigned hook = parameter.register_hook([this, slot](const at::Tensor& gradient) {
        // On a GPU the host runs ahead: wait for the value.
        if (!gradient.is_cpu()) static_cast<void>(gradient.reshape({-1})[0].item());
        seconds_[slot] = watch_.seconds();
      });
      hooks_.emplace_back(parameter, hook);
    }
  }
  ~GradientClock() {
    for (auto& [parameter, hook] : hooks_) parameter.remove_hook(hook);
  }
  GradientClock(const GradientClock&) = delete;
  GradientClock& operator=(const GradientClock&) = delete;

  /// When each gradient was ready in a backward pass of `backward` seconds, `start` seconds after
  /// the construction of this object.
  std::vector<GradientReady> ready(const GradientReducer& reducer, double start,
                                   double backward) const {
    std::vector<GradientReady> all;
    double last = 0;
    for (size_t slot = 0; slot < seconds_.size(); ++slot) {
      // Gradients that are not computed (LayerDrop) delay nothing.
      last = std::max(last, std::clamp((seconds_[slot] - start) / backward, 0.0, 1.0));
      const auto& place = reducer.slots()[slot];
      all.push_back({(place.offset + place.size) * static_cast<int64_t>(sizeof(float)), last});
    }
    return all;
  }

 private:
  Stopwatch watch_;
  std::vector<double> seconds_;
  std::vector<std::pair<at::Tensor, unsigned>> hooks_;
};

}  // namespace

StepFlop micro_batch_flop(const ClassifierConfig& config, const MicroBatch& micro,
                          const std::vector<int64_t>& lengths, int64_t multiple,
                          const FrozenParts& frozen, const std::vector<bool>& dropped) {
  int64_t longest = 0;
  for (const uint32_t utterance : micro.utterances) {
    longest = std::max(longest, lengths[utterance]);
  }
  longest = (longest + multiple - 1) / multiple * multiple;
  const StepFlop one = utterance_flop(config, longest, frozen, dropped);
  StepFlop all;
  for (size_t row = 0; row < micro.utterances.size(); ++row) all += one;
  return all;
}

double matmul_peak(at::Device device, at::ScalarType type) {
  const int64_t size = device.is_cpu() ? 2048 : 8192;
  const auto options = at::TensorOptions().dtype(type).device(device);
  // Random values: a GPU's clock falls with the number of bits that change, and equal values would
  // show a rate that no training reaches.
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(/*seed=*/1);
  const auto random = [&] {
    return at::empty({size, size}).uniform_(-1, 1, generator).to(options);
  };
  const at::Tensor a = random(), b = random();
  at::Tensor c = at::empty({size, size}, options);
  const int repeats = device.is_cpu() ? 1 : 20;
  const auto seconds = [&] {
    const Stopwatch watch;
    for (int i = 0; i < repeats; ++i) at::mm_out(c, a, b);
    static_cast<void>(c[0][0].item());
    return watch.seconds() / repeats;
  };
  double best = seconds();
  const Stopwatch watch;
  for (int i = 0; i < 3 || watch.seconds() < 0.5; ++i) best = std::min(best, seconds());
  return 2.0 * static_cast<double>(size * size * size) / best;
}

Workbench::Workbench(WorkbenchOptions options, const MpiSession& session)
    : options_(std::move(options)),
      config_(bench_config(options_)),
      cluster_(join_cluster(session, join_settings(config_.run, config_.cluster))) {
  if (config_.data.dir.empty()) {
    dataset_.emplace(open_synthetic(*cluster_.communicator, cluster_.topology, options_.utterances,
                                    static_cast<uint64_t>(config_.run.seed)));
  } else {
    dataset_.emplace(open_split(config_.data.dir, config_.data.train_split, "data.train_split"));
  }
  lengths_ = utterance_lengths(*dataset_);
  model_ = make_model();
  require_usable(*dataset_, model_);
}

LoadedModel Workbench::make_model() const {
  if (options_.shape.empty()) {
    ModelConfig settings = config_.model;
    if (config_.data.dir.empty()) settings.replace_head = true;  // synthetic intents
    return load_model(settings, std::nullopt, dataset_->intents(),
                      static_cast<uint64_t>(config_.run.seed), cluster_.device);
  }
  ClassifierConfig shape = ClassifierConfig::of_shape(options_.type, options_.shape);
  if (config_.model.dropout >= 0) shape.encoder.set_dropout(config_.model.dropout);
  shape.encoder.layerdrop = 0;
  shape.labels = dataset_->intents();
  LoadedModel made;
  made.model = std::make_unique<IntentClassifier>(shape, cluster_.device);
  made.model->initialize(static_cast<uint64_t>(config_.run.seed));
  made.model->freeze(config_.model.freeze_feature_encoder, config_.model.freeze_layers);
  made.preprocessor = published_preprocessor(shape.type, options_.shape);
  return made;
}

BatchSettings Workbench::batch() const {
  return {config_.batch.global_batch, config_.batch.micro_batch, config_.batch.pool_batches};
}

std::string Workbench::model_name() const {
  return options_.shape.empty()
             ? config_.model.init
             : fmt::format("{} {}, random weights", options_.type, options_.shape);
}

std::string Workbench::data_name() const {
  return config_.data.dir.empty() ? fmt::format("{} synthetic utterances", lengths_.size())
                                  : config_.data.dir;
}

FrozenParts Workbench::frozen() const {
  return {config_.model.freeze_feature_encoder, config_.model.freeze_layers};
}

int64_t Workbench::trained_parameters() const {
  int64_t count = 0;
  for (const auto& parameter : model_.model->trainable()) count += parameter.tensor.numel();
  return count;
}

std::vector<std::pair<StepPlan, PaddingCount>> Workbench::plan_steps(
    const MeasureSettings& settings, int ranks) const {
  const auto needed = static_cast<size_t>(options_.warmup + options_.steps);
  if (static_cast<int64_t>(lengths_.size()) < settings.batch.global_batch) {
    throw UserError("{} utterances are fewer than the global batch of {}; increase --utterances",
                    lengths_.size(), settings.batch.global_batch);
  }
  const auto utterances = all_utterances(*dataset_);
  std::vector<std::pair<StepPlan, PaddingCount>> plans;
  for (int64_t epoch = 0; plans.size() < needed; ++epoch) {
    const EpochPlan plan(utterances, lengths_, settings.batch,
                         static_cast<uint64_t>(config_.run.seed), epoch, ranks);
    for (int64_t i = 0; i < plan.num_steps() && plans.size() < needed; ++i) {
      const StepPlan step = plan.step(i);
      if (step.global_count == settings.batch.global_batch) {
        plans.emplace_back(step, plan.padding(step));
      }
    }
  }
  return plans;
}

void Workbench::count_work(StepSample& sample, const StepPlan& plan, int64_t step, int rank,
                           int ranks) const {
  const ClassifierConfig& config = model_config();
  const uint64_t key =
      derive_key(static_cast<uint64_t>(config_.run.seed), RandomPurpose::kLayerDrop, step);
  std::vector<bool> dropped;
  for (int64_t layer = 0; layer < config.encoder.num_hidden_layers; ++layer) {
    dropped.push_back(layer_dropped(key, layer, config.encoder));
  }
  for (size_t m = 0; m < plan.micro_batches.size(); ++m) {
    const MicroBatch& micro = plan.micro_batches[m];
    const StepFlop flop =
        micro_batch_flop(config, micro, lengths_, config_.batch.length_multiple, frozen(), dropped);
    sample.all += flop.total();
    if (static_cast<int>(m) % ranks == rank) sample.own += flop;
    for (const uint32_t utterance : micro.utterances) {
      sample.useful += utterance_flop(config, lengths_[utterance], frozen(), dropped).total();
    }
  }
}

Measurement Workbench::measure(Communicator& communicator, const MeasureSettings& settings) {
  const int rank = communicator.rank(), ranks = communicator.size();
  AssemblySettings assembly = assembly_settings(config_);
  assembly.reducer.bucket_mib = settings.bucket_mib;
  assembly.step.stop_signals.clear();
  TrainingParts parts(*model_.model, model_.preprocessor, communicator, assembly);

  const auto plans = plan_steps(settings, ranks);
  std::vector<MicroBatch> work;
  for (const auto& [plan, padding] : plans) {
    for (auto& micro : plan.of_rank(rank, ranks)) work.push_back(std::move(micro));
  }
  Measurement measured;
  measured.buckets = parts.reducer().num_buckets();
  measured.gradient_bytes = parts.reducer().flat_gradients().numel() *
                            (assembly.reducer.type == ReduceType::kBFloat16 ? 2 : 4);
  // A small learning rate: the work is the same and nothing overflows.
  constexpr double kLearningRate = 1e-6;
  BatchLoader loader(*dataset_, work, parts.loader());
  for (size_t i = 0; i < plans.size(); ++i) {
    const auto& [plan, padding] = plans[i];
    const auto number = static_cast<int64_t>(i);
    const StepOutcome outcome = parts.step().run(
        number, kLearningRate, workload_of(plan), [&] { return loader.next(); }, 0);
    if (number < options_.warmup) continue;
    StepSample sample{outcome.record, padding, {}, 0, 0};
    count_work(sample, plan, number, rank, ranks);
    measured.steps.push_back(sample);
  }
  if (settings.gradient_ready) {
    // A step of one micro-batch per rank: its backward pass starts right after data and forward.
    const auto next = [&] { return load_batch(*dataset_, work.back(), parts.loader()); };
    const GradientClock clock(parts.reducer());
    StepWorkload one = workload_of(plans.back().first);
    one.micro_batches = std::min<int64_t>(ranks, one.micro_batches);
    const StepSeconds seconds = parts.step().run(0, kLearningRate, one, next, 0).record.seconds;
    measured.gradient_ready =
        clock.ready(parts.reducer(), seconds.data + seconds.forward, seconds.backward);
  }
  return measured;
}

}  // namespace s2i
