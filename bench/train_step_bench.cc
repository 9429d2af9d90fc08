// One training step of the model (forward, backward, AdamW) on request, for
// bench/peers/compare_train_step.py to time beside transformers.
//
//   train_step_bench MODEL BATCH.safetensors fp32|bf16 trained|frozen [STEPS [TRACE]]
//
// BATCH holds "audio" [B,T] float32, "lengths" and "labels" [B] int64. For every line on standard
// input it takes a step and prints its seconds, the loss, and the seconds of forward, backward and
// optimizer; "frozen" freezes the feature encoder. With STEPS it takes so many at once,
// and with TRACE writes the operations of the last there, for chrome://tracing.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/profiler_legacy.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <string>

#include "classification/loss.h"
#include "classification/pretrained.h"
#include "core/clock.h"
#include "core/host_memory.h"
#include "core/program.h"
#include "core/random.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

/// LibTorch's fused AdamW over the parameters that train, as torch.optim.AdamW(fused=True) calls
/// it.
class AdamW {
 public:
  void step(NamedTensors& parameters) {
    const c10::NoGradGuard no_grad;
    std::vector<at::Tensor> values, grads, firsts, seconds, counts;
    for (NamedTensor& parameter : parameters) {
      const at::Tensor& grad = parameter.tensor.grad();
      if (!grad.defined()) continue;
      State& state = states_[parameter.name];
      if (!state.first.defined()) {
        state = {at::zeros_like(grad), at::zeros_like(grad), at::zeros({}, at::kFloat)};
      }
      state.count.add_(1);
      values.push_back(parameter.tensor);
      grads.push_back(grad);
      firsts.push_back(state.first);
      seconds.push_back(state.second);
      counts.push_back(state.count);
    }
    at::_fused_adamw_(values, grads, firsts, seconds, {}, counts, 1e-5, 0.9, 0.999, 0.01, 1e-8,
                      false, false);
  }

 private:
  struct State {
    at::Tensor first, second, count;
  };
  std::map<std::string, State> states_;
};

class Bench {
 public:
  Bench(const std::string& model, const std::string& batch, bool bfloat16, bool frozen) {
    LoadReport report;
    model_ = load_pretrained(model, at::kCPU, {}, report);
    model_->freeze(frozen, 0);
    for (auto& [name, tensor] : read_safetensors(batch).tensors) batch_[name] = tensor;
    const auto* lengths = batch_.at("lengths").const_data_ptr<int64_t>();
    lengths_.assign(lengths, lengths + batch_.at("lengths").numel());
    options_.training = true;
    options_.compute_type = bfloat16 ? at::kBFloat16 : at::kFloat;
  }

  struct Times {
    double forward, backward, optimizer, loss;
    double total() const { return forward + backward + optimizer; }
  };

  Times step() {
    ++step_;
    options_.step_key = step_;
    options_.utterance_keys.clear();
    for (int64_t b = 0; b < batch_.at("audio").size(0); ++b) {
      options_.utterance_keys.push_back(derive_key(step_, b));
    }
    Stopwatch watch;
    for (NamedTensor& parameter : model_->parameters()) parameter.tensor.mutable_grad().reset();
    const at::Tensor logits = model_->forward(batch_.at("audio"), lengths_, options_);
    const at::Tensor loss =
        cross_entropy_sum(logits, batch_.at("labels")) / batch_.at("audio").size(0);
    Times times{};
    times.loss = loss.item<double>();
    times.forward = watch.lap();
    loss.backward();
    times.backward = watch.lap();
    optimizer_.step(model_->parameters());
    times.optimizer = watch.lap();
    return times;
  }

 private:
  std::unique_ptr<IntentClassifier> model_;
  std::map<std::string, at::Tensor> batch_;
  std::vector<int64_t> lengths_;
  ForwardOptions options_;
  AdamW optimizer_;
  uint64_t step_ = 0;
};

int run(int argc, char** argv) {
  Bench bench(argv[1], argv[2], std::string(argv[3]) == "bf16", std::string(argv[4]) == "frozen");
  const auto print = [](const Bench::Times& t) {
    std::printf("%.6f %.6f %.6f %.6f %.6f\n", t.total(), t.loss, t.forward, t.backward,
                t.optimizer);
    std::fflush(stdout);
  };
  if (argc > 5) {
    const int steps = std::stoi(argv[5]);
    for (int i = 0; i < steps; ++i) {
      std::optional<torch::autograd::profiler::RecordProfile> trace;
      if (argc > 6 && i == steps - 1) trace.emplace(argv[6]);
      print(bench.step());
    }
    return kExitDone;
  }
  for (std::string line; std::getline(std::cin, line);) print(bench.step());
  return kExitDone;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr,
                 "usage: train_step_bench MODEL BATCH.safetensors fp32|bf16 trained|frozen [STEPS "
                 "[TRACE]]\n");
    return s2i::kExitUsage;
  }
  s2i::keep_host_memory();
  return s2i::run_program([&] { return s2i::run(argc, argv); });
}
