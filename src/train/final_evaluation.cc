#include "train/final_evaluation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "checkpoint/format.h"
#include "classification/evaluation_report.h"
#include "classification/pretrained.h"
#include "core/error.h"
#include "train/model_usage.h"

namespace s2i {
namespace {

void require_valid(const std::filesystem::path& best, const std::filesystem::path& run_dir,
                   Communicator& communicator) {
  const std::string problem = communicator.broadcast_text(
      communicator.rank() == 0 ? check_checkpoint(best) : "", 0, "best checkpoint");
  if (problem.empty()) return;
  throw RunError(
      "the best checkpoint {} is not valid: {}; training is complete, but not the evaluation: find "
      "another one with 's2i-checkpoint list {}', link best to it (ln -sfn checkpoints/step-... "
      "{}) and repeat the command",
      best.string(), problem, run_dir.string(), best.string());
}

}  // namespace

FinalEvaluation evaluate_best(const std::filesystem::path& run_dir, IntentClassifier& model,
                              const Dataset& test, const std::optional<Dataset>& out_of_scope,
                              Communicator& communicator, const EvaluationSettings& settings) {
  const std::filesystem::path best = run_dir / "best";
  require_valid(best, run_dir, communicator);
  load_saved_weights(model, best / "model" / "model.safetensors");
  const auto [predictions, stop_signal] =
      predict(model, test, all_utterances(test), communicator, settings);
  if (stop_signal != 0) return {stop_signal, std::nullopt};
  require_finite_logits(predictions, test);  // on every rank: all of them have to fail
  EvaluationResult outside;
  if (out_of_scope) {
    EvaluationSettings without_labels = settings;
    without_labels.use_labels = false;
    outside =
        predict(model, *out_of_scope, all_utterances(*out_of_scope), communicator, without_labels);
    if (outside.stop_signal != 0) return {outside.stop_signal, std::nullopt};
    require_finite_logits(outside.predictions, *out_of_scope);
  }
  if (communicator.rank() != 0) return {};
  const std::filesystem::path config = best / "model" / "config.json";
  // A run without validation has none.
  const auto usage = read_model_usage(read_json(config), config.string());
  const Calibration calibration = usage && usage->calibration ? *usage->calibration : Calibration{};
  const ClassificationMetrics metrics = compute_metrics(predictions, model.config().num_labels());
  OrderedJson report = evaluation_json(metrics, predictions, test, calibration);
  if (out_of_scope) {
    report["out_of_scope"] = out_of_scope_json(predictions, outside.predictions, calibration);
  }
  write_evaluation(run_dir, report, predictions, test, calibration.temperature);
  spdlog::info("{}", evaluation_text(
                         metrics, predictions, test,
                         fmt::format("best checkpoint on {}", test.folder().filename().string())));
  return {0, metrics};
}

}  // namespace s2i
