#include "train/final_evaluation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "checkpoint/format.h"
#include "classification/evaluation_report.h"
#include "classification/pretrained.h"
#include "core/error.h"

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
                              const Dataset& test, Communicator& communicator,
                              const EvaluationSettings& settings) {
  const std::filesystem::path best = run_dir / "best";
  require_valid(best, run_dir, communicator);
  load_saved_weights(model, best / "model" / "model.safetensors");
  const auto [predictions, stop_signal] =
      predict(model, test, all_utterances(test), communicator, settings);
  if (stop_signal != 0) return {stop_signal, std::nullopt};
  require_finite_logits(predictions, test);  // on every rank: all of them have to fail
  if (communicator.rank() != 0) return {};
  const ClassificationMetrics metrics = compute_metrics(predictions, model.config().num_labels());
  write_evaluation(run_dir, metrics, predictions, test);
  spdlog::info("{}", evaluation_text(
                         metrics, test.intents(),
                         fmt::format("best checkpoint on {}", test.folder().filename().string())));
  return {0, metrics};
}

}  // namespace s2i
