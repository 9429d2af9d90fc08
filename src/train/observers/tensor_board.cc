#include "train/observers/tensor_board.h"

#include <sstream>

#include "classification/metrics/list.h"
#include "core/files.h"
#include "tensorboard/confusion_image.h"
#include "train/observers/validation_log.h"

namespace s2i {
namespace {

constexpr const char* kConfiguration = "configuration";
constexpr const char* kFinal = "final";
constexpr const char* kValidation = "validation";

/// Whether an event of an earlier start still counts after a resume from `state`. What a start and
/// a complete run write once is written anew.
bool still_counts(const tensorboard::EventHead& event, const RunState& state) {
  if (event.tag.starts_with("_hparams_/") || event.tag.starts_with(kFinal)) return false;
  if (event.tag == kConfiguration) return event.step < state.step;
  const bool again = state.validation_due && event.tag.starts_with(kValidation);
  return event.step <= state.step - (again ? 1 : 0);
}

/// A text as a block of code in Markdown.
std::string code_block(const std::string& text) {
  std::istringstream lines(text);
  std::string block;
  for (std::string line; std::getline(lines, line);) block += "    " + line + "\n";
  return block;
}

void add_metrics(tensorboard::Event& event, const std::string& group, const Json& values) {
  for (const MetricKind& kind : metric_kinds()) {
    const auto value = values.find(kind.name);
    if (value == values.end() || !value->is_number()) continue;  // null: not finite
    event.add_scalar(group + "/" + kind.name, value->get<double>());
  }
}

/// The line of validation.jsonl for the best checkpoint; null without one.
Json best_validation(const std::filesystem::path& log) {
  constexpr uint64_t kMaxBytes = 1ULL << 30;
  Json best;
  if (!std::filesystem::exists(log)) return best;
  std::istringstream lines(read_file(log, kMaxBytes));
  for (std::string line; std::getline(lines, line);) {
    Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (entry.is_object() && entry.value("best", false)) best = std::move(entry);
  }
  return best;
}

}  // namespace

TensorBoard::TensorBoard(const ObserverSettings& settings)
    : run_dir_(settings.run_dir),
      intents_(settings.intents),
      configuration_(settings.configuration),
      hyperparameters_(settings.hyperparameters) {}

void TensorBoard::on_start(const RunState& state) {
  events_.emplace(run_dir_ / kTensorBoardFolder, state.step + 1,
                  [&state](const auto& event) { return still_counts(event, state); });
  tensorboard::Event start(state.step);
  start.add_session_start(hyperparameters_);
  events_->add(start);
  tensorboard::Event configuration(state.step);
  configuration.add_text(kConfiguration, code_block(configuration_));
  events_->add(configuration);
}

void TensorBoard::on_step(StepEvent& event) {
  const StepRecord& record = event.record;
  const StepSeconds& seconds = record.seconds;
  tensorboard::Event values(record.step);
  values.add_scalar("train/loss", record.loss);
  values.add_scalar("train/learning_rate", record.learning_rate);
  values.add_scalar("train/grad_norm", record.grad_norm);
  values.add_scalar("train/epoch", static_cast<double>(event.before.epoch + 1));
  values.add_scalar("train/padding", event.batches.padding().fraction());
  values.add_scalar("train/utterances_per_second",
                    static_cast<double>(record.utterances) / seconds.total);
  values.add_scalar("seconds/data", seconds.data);
  values.add_scalar("seconds/forward", seconds.forward);
  values.add_scalar("seconds/backward", seconds.backward);
  values.add_scalar("seconds/reduction", seconds.reduction);
  values.add_scalar("seconds/optimizer", seconds.optimizer);
  values.add_scalar("seconds/checkpoint", event.checkpoint_seconds);
  values.add_scalar("seconds/total", seconds.total);
  events_->add(values);
}

void TensorBoard::add_intents(tensorboard::Event& event, const std::string& group,
                              const ClassificationMetrics& metrics) const {
  for (size_t i = 0; i < intents_.size(); ++i) {
    event.add_scalar(group + "_f1/" + intents_[i], metrics.per_intent[i].f1);
  }
  event.add_image(group + "/confusion", tensorboard::confusion_image(metrics.confusion),
                  tensorboard::confusion_legend(intents_));
}

void TensorBoard::on_validation(const ValidationEvent& event) {
  const ClassificationMetrics& metrics = event.validation.metrics;
  tensorboard::Event values(event.state.step);
  add_metrics(values, kValidation, metric_values(metrics));
  add_intents(values, kValidation, metrics);
  events_->add(values);
}

void TensorBoard::sync() { events_->sync(); }

void TensorBoard::on_end() { events_->flush(); }

void TensorBoard::on_complete(const CompletionEvent& event) {
  tensorboard::Event values(event.step);
  if (event.test != nullptr) {
    add_metrics(values, kFinal, metric_values(*event.test));
    add_intents(values, kFinal, *event.test);
  } else if (const Json best = best_validation(run_dir_ / kValidationFile); !best.is_null()) {
    add_metrics(values, kFinal, best);
  }
  values.add_session_end();
  events_->add(values);
  events_->sync();
}

}  // namespace s2i
