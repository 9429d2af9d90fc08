// Runs a Hugging Face directory over batches and writes what came out, for parity_test.py to
// compare with transformers:
//
//   s2i-parity-probe MODEL BATCHES.safetensors OUT.safetensors [SAVED]
//
// BATCHES holds for each case N = 0, 1, ...: "N.audio" [B,T] float32, "N.lengths" and "N.labels"
// [B] int64, "N.options" [4] int64: masked, use_attention_mask, optimizer steps to take, bfloat16.
// OUT gets "N.logits", "N.loss" and "N.grad.<parameter>"; with steps, "N.losses" (one before each
// step) and the weights are left trained. The steps are those of s2i-train: AdamW with the default
// settings and no clipping.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <cstdio>
#include <map>
#include <numeric>
#include <string>

#include "classification/loss.h"
#include "classification/pretrained.h"
#include "core/error.h"
#include "core/program.h"
#include "train/assembly.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

constexpr double kLearningRate = 1e-4;

struct Case {
  at::Tensor audio;
  std::vector<int64_t> lengths;
  at::Tensor labels;
  ForwardOptions options;
  int64_t steps = 0;
};

Case case_of(const std::map<std::string, at::Tensor>& batches, int number) {
  const std::string prefix = std::to_string(number) + ".";
  const auto get = [&](const char* name) { return batches.at(prefix + name); };
  const int64_t* options = get("options").const_data_ptr<int64_t>();
  const at::Tensor lengths = get("lengths");
  const auto* samples = lengths.const_data_ptr<int64_t>();
  Case result{get("audio"), {samples, samples + lengths.numel()}, get("labels"), {}, options[2]};
  result.options.masked = options[0] != 0;
  result.options.use_attention_mask = options[1] != 0;
  result.options.compute_type = options[3] != 0 ? at::kBFloat16 : at::kFloat;
  return result;
}

at::Tensor loss_and_gradients(IntentClassifier& model, const Case& batch, at::Tensor& logits) {
  for (NamedTensor& parameter : model.parameters()) parameter.tensor.mutable_grad().reset();
  logits = model.forward(batch.audio, batch.lengths, batch.options);
  const at::Tensor loss = cross_entropy_sum(logits, batch.labels) / batch.audio.size(0);
  loss.backward();
  return loss.detach();
}

/// The utterances as the data loader returns them.
Batch loaded_batch(const Case& batch) {
  const at::Tensor audio = batch.audio.contiguous();
  const auto* labels = batch.labels.const_data_ptr<int64_t>();
  Batch result;
  result.rows = audio.size(0);
  result.samples = audio.size(1);
  result.audio = {audio.data_ptr<float>(), [audio](float*) {}};  // keeps the tensor alive
  result.length = batch.lengths;
  result.label.assign(labels, labels + batch.labels.numel());
  result.utterance.resize(static_cast<size_t>(result.rows));
  std::iota(result.utterance.begin(), result.utterance.end(), 0U);
  return result;
}

/// The loss before each step.
at::Tensor train(IntentClassifier& model, const Case& batch) {
  const auto communicator = make_self_communicator();
  AssemblySettings settings;
  settings.step.forward = batch.options;
  TrainingParts parts(model, {}, *communicator, settings);
  std::vector<double> losses;
  for (int64_t step = 0; step < batch.steps; ++step) {
    const StepWorkload all{batch.audio.size(0), 1};
    losses.push_back(parts.step()
                         .run(
                             step, kLearningRate, all, [&] { return loaded_batch(batch); }, 0)
                         .record.loss);
  }
  return at::tensor(losses, at::kDouble).to(at::kFloat);
}

int run(const char* model_dir, const char* batches_file, const char* out_file,
        const char* saved_dir) {
  LoadReport report;
  const auto model = load_pretrained(model_dir, at::kCPU, {}, report);
  S2I_CHECK(report.initialized.empty() && report.ignored.empty());
  if (saved_dir != nullptr) save_pretrained(saved_dir, *model, {16000, true, true});
  std::map<std::string, at::Tensor> batches;
  for (const auto& [name, tensor] : read_safetensors(batches_file).tensors) batches[name] = tensor;
  NamedTensors out;
  for (int n = 0; batches.contains(std::to_string(n) + ".audio"); ++n) {
    const std::string prefix = std::to_string(n) + ".";
    const Case batch = case_of(batches, n);
    at::Tensor logits;
    out.emplace_back(prefix + "loss", loss_and_gradients(*model, batch, logits));
    out.emplace_back(prefix + "logits", logits);
    for (const NamedTensor& parameter : model->parameters()) {
      const at::Tensor& grad = parameter.tensor.grad();
      if (grad.defined()) out.emplace_back(prefix + "grad." + parameter.name, grad.clone());
    }
    if (batch.steps == 0) continue;
    out.emplace_back(prefix + "losses", train(*model, batch));
  }
  write_safetensors(out_file, out);
  return kExitDone;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: s2i-parity-probe MODEL BATCHES.safetensors OUT.safetensors [SAVED]\n");
    return s2i::kExitUsage;
  }
  return s2i::run_program([&] { return s2i::run(argv[1], argv[2], argv[3], argv[4]); });
}
