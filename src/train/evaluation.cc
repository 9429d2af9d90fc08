#include "train/evaluation.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/log_softmax.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "cluster/comm/global_values.h"
#include "cluster/comm/stop_vote.h"
#include "core/error.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/stop_signal.h"
#include "train/batch_tensors.h"
#include "train/out_of_memory.h"

namespace s2i {
namespace {

/// A prediction without its logits, to send to other ranks.
struct PredictionHead {
  int64_t label;
  int64_t predicted;
  double loss;
  uint32_t utterance;
};

/// The predictions of all ranks, ordered by utterance. Collective.
std::vector<Prediction> gather_predictions(Communicator& communicator,
                                           const std::vector<Prediction>& own, size_t num_intents) {
  std::vector<PredictionHead> heads;
  std::vector<float> logits;
  for (const auto& prediction : own) {
    S2I_CHECK(prediction.logits.size() == num_intents);
    heads.push_back(
        {prediction.label, prediction.predicted, prediction.loss, prediction.utterance});
    logits.insert(logits.end(), prediction.logits.begin(), prediction.logits.end());
  }
  heads = gather_vectors(communicator, heads, "predictions");
  logits = gather_vectors(communicator, logits, "logits");
  std::vector<Prediction> all;
  auto row = logits.begin();
  for (const auto& head : heads) {
    const auto end = row + static_cast<ptrdiff_t>(num_intents);
    all.push_back({head.utterance, head.label, head.predicted, head.loss, {row, end}});
    row = end;
  }
  std::ranges::sort(all, {}, &Prediction::utterance);
  return all;
}

void append_predictions(const at::Tensor& logits, const Batch& batch, bool use_labels,
                        std::vector<Prediction>& predictions) {
  const at::Tensor values = logits.to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor log_probability = at::log_softmax(values.to(at::kDouble), 1).contiguous();
  const int64_t classes = values.size(1);
  for (int64_t row = 0; row < batch.rows; ++row) {
    const float* line = values.const_data_ptr<float>() + row * classes;
    Prediction prediction;
    prediction.utterance = batch.utterance[static_cast<size_t>(row)];
    prediction.label = use_labels ? batch.label[static_cast<size_t>(row)] : -1;
    prediction.logits.assign(line, line + classes);
    prediction.predicted = std::max_element(line, line + classes) - line;
    S2I_CHECK(prediction.label < classes, "the model has {} intents", classes);
    if (use_labels)
      prediction.loss = -log_probability.const_data_ptr<double>()[row * classes + prediction.label];
    predictions.push_back(std::move(prediction));
  }
}

}  // namespace

EvaluationResult predict(const IntentClassifier& model, const Dataset& dataset,
                         std::span<const uint32_t> utterances, Communicator& communicator,
                         const EvaluationSettings& settings) {
  const at::NoGradGuard no_grad;
  const std::vector<int64_t> lengths = utterance_lengths(dataset);
  const StepPlan plan = plan_evaluation(utterances, lengths, settings.batch);
  std::vector<MicroBatch> mine = plan.of_rank(communicator.rank(), communicator.size());
  std::ranges::reverse(mine);  // the longest first: a lack of memory shows at once

  ForwardOptions options = settings.forward;
  options.training = false;
  options.utterance_keys.clear();
  std::vector<Prediction> own;
  BatchLoader loader(dataset, mine, settings.loader);
  ProgressBar bar(settings.progress, static_cast<int64_t>(mine.size()),
                  !settings.progress.empty() && communicator.rank() == 0);
  StopVote stop(communicator, settings.stop_signals);
  // The same number of rounds on every rank, because each has a vote; some ranks have no batch in
  // the last one.
  const size_t ranks = static_cast<size_t>(communicator.size());
  const size_t rounds = (plan.micro_batches.size() + ranks - 1) / ranks;
  for (size_t i = 0; i < rounds; ++i) {
    communicator.activity().begin_unit(
        fmt::format("evaluation, batch {} of {}", i + 1, mine.size()));
    stop.start(StopSignal::received());  // overlaps the computation of the batch
    if (i < mine.size()) {
      try {
        const Batch batch = loader.next();
        const BatchTensors tensors = to_tensors(batch, model.device());
        append_predictions(model.forward(tensors.audio, batch.length, options), batch,
                           settings.use_labels, own);
      } catch (const std::exception& error) {
        if (!is_out_of_memory(error)) throw;
        throw RunError(
            "out of memory in an evaluation on rank {} with a batch of {}; lower {} (now {}; the "
            "results do not change)",
            communicator.rank(),
            describe_batch(mine[i].utterances, settings.loader.length_multiple, dataset),
            settings.batch_setting, settings.batch);
      }
      bar.update(static_cast<int64_t>(i) + 1);
    }
    if (const int signal = stop.wait(); signal != 0) return {{}, signal};
  }
  bar.finish();
  communicator.activity().begin_unit("evaluation, gathering predictions");

  std::vector<Prediction> all =
      gather_predictions(communicator, own, static_cast<size_t>(model.config().num_labels()));
  S2I_CHECK(all.size() == utterances.size(), "{} predictions for {} utterances", all.size(),
            utterances.size());
  return {std::move(all), 0};
}

void require_finite_logits(std::span<const Prediction> predictions, const Dataset& dataset) {
  constexpr size_t kMaxNamed = 10;
  std::vector<std::string> ids;
  size_t count = 0;
  for (const Prediction& prediction : predictions) {
    if (std::ranges::all_of(prediction.logits, [](float value) { return std::isfinite(value); })) {
      continue;
    }
    if (++count <= kMaxNamed) ids.push_back(dataset.id(prediction.utterance));
  }
  if (count == 0) return;
  throw RunError("{}: the logits of {} are NaN or infinite; ids: {}{}", dataset.folder().string(),
                 plural(count, "utterance"), fmt::join(ids, ", "),
                 count > kMaxNamed ? fmt::format(" and {} more", count - kMaxNamed) : "");
}

}  // namespace s2i
