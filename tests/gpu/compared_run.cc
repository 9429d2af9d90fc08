#include "compared_run.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <memory>

#include "core/random.h"
#include "train/assembly.h"
#include "train/batch_tensors.h"

namespace s2i {
namespace {

constexpr uint64_t kWeightSeed = 5, kAudioSeed = 7, kRunSeed = 9;
constexpr double kLearningRate = 1e-3;
// Shortest first, as the epoch plan orders them; all of them padded but the last.
const std::vector<int64_t> kLengths = {6400, 9001, 12000, 16001};

/// Utterances first ... last-1 as the data loader returns them.
Batch make_batch(int64_t first, int64_t last, int64_t num_labels) {
  Batch batch;
  batch.rows = last - first;
  batch.samples = kLengths[static_cast<size_t>(last - 1)];
  const auto size = static_cast<size_t>(batch.rows * batch.samples);
  batch.audio = std::shared_ptr<float>(new float[size](), std::default_delete<float[]>());
  for (int64_t i = first; i < last; ++i) {
    const int64_t length = kLengths[static_cast<size_t>(i)];
    RandomStream random(derive_key(kAudioSeed, i));
    float* row = batch.audio.get() + (i - first) * batch.samples;
    for (int64_t t = 0; t < length; ++t) row[t] = static_cast<float>(4 * random.uniform() - 2);
    batch.length.push_back(length);
    batch.label.push_back(i % num_labels);
    batch.utterance.push_back(static_cast<uint32_t>(i));
  }
  return batch;
}

at::Tensor to_host(const at::Tensor& tensor) {
  return tensor.detach().to(at::kCPU, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

at::Tensor logits_of(const IntentClassifier& model, ForwardOptions options) {
  const c10::NoGradGuard no_grad;
  options.training = false;
  const auto all = static_cast<int64_t>(kLengths.size());
  const Batch batch = make_batch(0, all, model.config().num_labels());
  return to_host(model.forward(to_tensors(batch, model.device()).audio, batch.length, options));
}

}  // namespace

ClassifierConfig compared_config(const std::string& type, const std::string& form,
                                 const std::string& shape) {
  ClassifierConfig config = ClassifierConfig::of_shape(type, shape == "full" ? form : "tiny");
  if (shape != "full") {
    config.encoder.num_hidden_layers = 4;
    if (form == "large") {
      config.encoder.feat_extract_norm = "layer";
      config.encoder.conv_bias = true;
      config.encoder.do_stable_layer_norm = true;
    }
  }
  config.encoder.feat_proj_dropout = 0.1;
  config.labels = {"a", "b", "c", "d", "e"};
  return config;
}

RunResult run_compared(const ClassifierConfig& config, const RunSettings& settings) {
  IntentClassifier model(config, settings.device);
  model.initialize(kWeightSeed);
  model.freeze(false, 0);
  if (settings.mistake == Mistake::kWeight) {
    const c10::NoGradGuard no_grad;
    model.parameters().front().tensor.mul_(1.05);
  }
  const auto communicator = make_self_communicator();
  AssemblySettings assembly;
  assembly.step.forward.compute_type = settings.bf16 ? at::kBFloat16 : at::kFloat;
  assembly.step.seed = kRunSeed + (settings.mistake == Mistake::kDropout ? 1 : 0);
  TrainingParts parts(model, {}, *communicator, assembly);

  RunResult result;
  result.logits = logits_of(model, assembly.step.forward);
  result.before = to_host(parts.reducer().flat_parameters());
  const auto count = static_cast<int64_t>(kLengths.size());
  const int64_t rows = count / settings.micro_batches;
  for (int64_t number = 0; number < settings.steps; ++number) {
    int64_t next = 0;
    const auto next_batch = [&] {
      next += rows;
      return make_batch(next - rows, next, config.num_labels());
    };
    const StepOutcome outcome =
        parts.step().run(number, kLearningRate, {count, settings.micro_batches}, next_batch, 0);
    result.losses.push_back(outcome.record.loss);
    if (number > 0) continue;
    for (const auto& [name, tensor] : model.parameters()) {
      result.gradients.emplace_back(name, to_host(tensor.grad()));
    }
    if (settings.mistake == Mistake::kGradient) result.gradients.back().second.mul_(1.05);
  }
  result.after = to_host(parts.reducer().flat_parameters());
  return result;
}

}  // namespace s2i
