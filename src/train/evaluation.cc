#include "train/evaluation.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/log_softmax.h>

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/progress.h"
#include "core/stop_signal.h"
#include "train/batch_tensors.h"
#include "train/out_of_memory.h"
#include "train/stop_vote.h"

namespace s2i {
namespace {

/// Predictions as bytes, for the way between ranks.
std::string pack(const std::vector<Prediction>& predictions, size_t num_intents) {
  std::string bytes;
  const auto put = [&](const auto& value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  for (const auto& prediction : predictions) {
    S2I_CHECK(prediction.logits.size() == num_intents);
    put(prediction.utterance);
    put(prediction.label);
    put(prediction.predicted);
    put(prediction.loss);
    for (const float logit : prediction.logits) put(logit);
  }
  return bytes;
}

void unpack(const std::string& bytes, size_t num_intents, std::vector<Prediction>& predictions) {
  size_t at = 0;
  const auto get = [&](auto& value) {
    S2I_CHECK(at + sizeof(value) <= bytes.size());
    std::memcpy(&value, bytes.data() + at, sizeof(value));
    at += sizeof(value);
  };
  while (at < bytes.size()) {
    Prediction prediction;
    get(prediction.utterance);
    get(prediction.label);
    get(prediction.predicted);
    get(prediction.loss);
    prediction.logits.resize(num_intents);
    for (float& logit : prediction.logits) get(logit);
    predictions.push_back(std::move(prediction));
  }
}

void append_predictions(const at::Tensor& logits, const Batch& batch,
                        std::vector<Prediction>& predictions) {
  const at::Tensor values = logits.to(at::kCPU, at::kFloat).contiguous();
  const at::Tensor log_probability = at::log_softmax(values.to(at::kDouble), 1).contiguous();
  const int64_t classes = values.size(1);
  for (int64_t row = 0; row < batch.rows; ++row) {
    const float* line = values.const_data_ptr<float>() + row * classes;
    Prediction prediction;
    prediction.utterance = batch.utterance[static_cast<size_t>(row)];
    prediction.label = batch.label[static_cast<size_t>(row)];
    prediction.logits.assign(line, line + classes);
    prediction.predicted = std::max_element(line, line + classes) - line;
    S2I_CHECK(prediction.label < classes, "the model has {} intents", classes);
    prediction.loss = -log_probability.const_data_ptr<double>()[row * classes + prediction.label];
    predictions.push_back(std::move(prediction));
  }
}

}  // namespace

EvaluationResult predict(IntentClassifier& model, at::Device device, const Dataset& dataset,
                         std::span<const uint32_t> utterances, Communicator& communicator,
                         const EvaluationSettings& settings) {
  const at::NoGradGuard no_grad;
  const std::vector<int64_t> lengths = utterance_lengths(dataset);
  const StepPlan plan = plan_evaluation(utterances, lengths, settings.batch);
  std::vector<MicroBatch> mine = plan.of_rank(communicator.rank(), communicator.size());
  std::reverse(mine.begin(), mine.end());  // the longest first: what does not fit shows at once

  ForwardOptions options = settings.forward;
  options.training = false;
  options.utterance_keys.clear();
  std::vector<Prediction> own;
  BatchLoader loader(dataset, mine, settings.loader);
  ProgressBar bar(settings.progress, static_cast<int64_t>(mine.size()),
                  !settings.progress.empty() && communicator.rank() == 0);
  StopVote stop(communicator, settings.stop_signals);
  // As many rounds on every rank, for they vote in each; some ranks have no batch in the last.
  const size_t ranks = static_cast<size_t>(communicator.size());
  const size_t rounds = (plan.micro_batches.size() + ranks - 1) / ranks;
  for (size_t i = 0; i < rounds; ++i) {
    communicator.activity().begin_unit(
        fmt::format("evaluation, batch {} of {}", i + 1, mine.size()));
    stop.start(StopSignal::received());  // counted while the batch is computed
    if (i < mine.size()) {
      try {
        const Batch batch = loader.next();
        const BatchTensors tensors = to_tensors(batch, device);
        append_predictions(model.forward(tensors.audio, batch.length, options), batch, own);
      } catch (const std::exception& error) {
        if (!is_out_of_memory(error)) throw;
        throw RunError(
            "out of memory in an evaluation on rank {} with a batch of {}; lower {} (now {}; the "
            "figures stay the same)",
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

  const auto classes = static_cast<size_t>(model.config().num_labels());
  std::vector<Prediction> all;
  for (const auto& bytes : communicator.gather_text(pack(own, classes), "predictions")) {
    unpack(bytes, classes, all);
  }
  std::sort(all.begin(), all.end(),
            [](const Prediction& a, const Prediction& b) { return a.utterance < b.utterance; });
  S2I_CHECK(all.size() == utterances.size(), "{} predictions for {} utterances", all.size(),
            utterances.size());
  return {std::move(all), 0};
}

}  // namespace s2i
