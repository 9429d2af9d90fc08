#include "train/run_snapshot.h"

#include <utility>

#include "classification/pretrained.h"
#include "core/json.h"
#include "weights/safetensors.h"

namespace s2i {

RunSnapshot::RunSnapshot(const IntentClassifier& model, Optimizer& optimizer,
                         const PreprocessorConfig& preprocessor, const ModelUsage& usage,
                         std::vector<std::string> intents, RunIdentity identity)
    : model_(model),
      optimizer_(optimizer),
      preprocessor_(preprocessor),
      usage_(usage),
      intents_(std::move(intents)),
      identity_(std::move(identity)) {}

void RunSnapshot::set_calibration(int64_t step, const Calibration& calibration) {
  calibrated_step_ = step;
  calibration_ = to_json(calibration);
}

CheckpointContent RunSnapshot::content(const RunState& state, bool is_best) const {
  return {.step = state.step,
          .is_best = is_best,
          .model = named_tensors(model_),
          .optimizer = optimizer_.state(),
          .run_state = to_json(state, identity_),
          .calibration = state.step == calibrated_step_ ? calibration_ : OrderedJson()};
}

void RunSnapshot::write(const std::filesystem::path& folder,
                        const CheckpointContent& content) const {
  ClassifierConfig config = model_.config();
  ModelUsage usage = usage_;
  if (!content.calibration.is_null()) {
    usage.calibration = calibration_from_json(Json(content.calibration), "calibration");
  }
  write_model_usage(usage, config.original);
  save_pretrained(folder / "model", std::move(config), content.model, preprocessor_, intents_);
  write_safetensors(folder / "optimizer.safetensors", content.optimizer);
  write_json(folder / "run_state.json", content.run_state);
}

RunState RunSnapshot::restore(const std::filesystem::path& checkpoint) {
  const std::filesystem::path file = checkpoint / "optimizer.safetensors";
  optimizer_.load_state(read_safetensors(file).tensors, file.string());
  return read_run_state(checkpoint);
}

RunState read_run_state(const std::filesystem::path& checkpoint) {
  const std::filesystem::path file = checkpoint / "run_state.json";
  return run_state_from_json(read_json(file), file.string());
}

}  // namespace s2i
