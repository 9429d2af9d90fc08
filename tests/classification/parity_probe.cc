// Runs a Hugging Face directory over batches and writes what came out, for parity_test.py to
// compare with transformers:
//
//   s2i-parity-probe MODEL BATCHES.safetensors OUT.safetensors [SAVED]
//
// BATCHES holds for each case N = 0, 1, ...: "N.audio" [B,T] float32, "N.lengths" and "N.labels"
// [B] int64, "N.options" [4] int64: masked, use_attention_mask, AdamW steps to take, bfloat16. OUT
// gets "N.logits", "N.loss" and "N.grad.<parameter>"; with steps, "N.losses" (one before each step)
// and the weights are left trained.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <cmath>
#include <cstdio>
#include <map>
#include <string>

#include "classification/loss.h"
#include "classification/pretrained.h"
#include "core/error.h"
#include "core/program.h"
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

/// torch.optim.AdamW with its defaults.
class AdamW {
 public:
  void step(NamedTensors& parameters) {
    const c10::NoGradGuard no_grad;
    ++count_;
    const double first_scale = 1 - std::pow(0.9, count_),
                 second_scale = 1 - std::pow(0.999, count_);
    for (NamedTensor& parameter : parameters) {
      const at::Tensor grad = parameter.tensor.grad();
      if (!grad.defined()) continue;
      at::Tensor &first = first_[parameter.name], &second = second_[parameter.name];
      if (!first.defined()) {
        first = at::zeros_like(grad);
        second = at::zeros_like(grad);
      }
      first.mul_(0.9).add_(grad, 0.1);
      second.mul_(0.999).addcmul_(grad, grad, 0.001);
      const at::Tensor bound = (second / second_scale).sqrt_().add_(1e-8);
      parameter.tensor.mul_(1 - kLearningRate * 0.01)
          .addcdiv_(first / first_scale, bound, -kLearningRate);
    }
  }

 private:
  int count_ = 0;
  std::map<std::string, at::Tensor> first_, second_;
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
    AdamW optimizer;
    std::vector<at::Tensor> losses;
    for (int64_t step = 0; step < batch.steps; ++step) {
      losses.push_back(loss_and_gradients(*model, batch, logits));
      optimizer.step(model->parameters());
    }
    out.emplace_back(prefix + "losses", at::stack(losses));
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
