// Training steps of the model on request, for bench/peers/compare_train_step.py, which times them
// side by side with transformers. The step and the optimizer (AdamW) are those of s2i-train.
//
//   train_step_bench MODEL BATCH.safetensors fp32|bf16 trained|frozen [STEPS [TRACE]]
//
// BATCH has "audio" [B,T] float32, "lengths" and "labels" [B] int64. "frozen" freezes the feature
// encoder. For each line on standard input, takes a step and prints its seconds, the loss, and the
// seconds of forward, backward and optimizer. With STEPS, takes that many steps at once; with
// TRACE, writes the operations of the last step to this file, for chrome://tracing.
#include <torch/csrc/autograd/profiler_legacy.h>

#include <cstdio>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <string>

#include "classification/pretrained.h"
#include "core/program.h"
#include "train/assembly.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

Batch read_batch(const std::string& path) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : read_safetensors(path).tensors) tensors[name] = tensor;
  const auto integers = [&](const char* name) {
    const auto* first = tensors.at(name).const_data_ptr<int64_t>();
    return std::vector<int64_t>(first, first + tensors.at(name).numel());
  };
  const at::Tensor audio = tensors.at("audio");
  Batch batch;
  batch.rows = audio.size(0);
  batch.samples = audio.size(1);
  batch.audio = {audio.data_ptr<float>(), [audio](float*) {}};  // keeps the tensor alive
  batch.length = integers("lengths");
  batch.label = integers("labels");
  batch.utterance.resize(static_cast<size_t>(batch.rows));
  std::iota(batch.utterance.begin(), batch.utterance.end(), 0U);
  return batch;
}

class Bench {
 public:
  Bench(const std::string& model, const std::string& batch, bool bfloat16, bool frozen)
      : batch_(read_batch(batch)), communicator_(make_self_communicator()) {
    LoadReport report;
    model_ = load_pretrained(model, at::kCPU, {}, report);
    model_->freeze(frozen, 0);
    AssemblySettings settings;
    settings.step.forward.compute_type = bfloat16 ? at::kBFloat16 : at::kFloat;
    parts_.emplace(*model_, PreprocessorConfig{}, *communicator_, settings);
  }

  StepRecord step() {
    return parts_->step()
        .run(
            step_++, 1e-5, {batch_.rows, 1}, [&] { return batch_; }, 0)
        .record;
  }

 private:
  Batch batch_;
  std::unique_ptr<Communicator> communicator_;
  std::unique_ptr<IntentClassifier> model_;
  std::optional<TrainingParts> parts_;
  int64_t step_ = 0;
};

int run(int argc, char** argv) {
  Bench bench(argv[1], argv[2], std::string(argv[3]) == "bf16", std::string(argv[4]) == "frozen");
  const auto print = [](const StepRecord& record) {
    std::printf("%.6f %.6f %.6f %.6f %.6f\n", record.seconds.total, record.loss,
                record.seconds.forward, record.seconds.backward, record.seconds.optimizer);
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
  return s2i::run_program([&] { return s2i::run(argc, argv); });
}
