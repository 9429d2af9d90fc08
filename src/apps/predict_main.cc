// s2i-predict: predicts the intents of audio files of any format and rate that libsndfile reads.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/softmax.h>

#include <algorithm>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "audio/load.h"
#include "audio/normalize.h"
#include "audio/quantize.h"
#include "audio/silence.h"
#include "core/error.h"
#include "core/json.h"
#include "core/line_reader.h"
#include "core/standard_output.h"
#include "core/unicode.h"
#include "data/batch_loader.h"
#include "train/batch_tensors.h"
#include "train/forward_options.h"
#include "train/loaded_model.h"
#include "train/out_of_memory.h"

namespace {

using namespace s2i;

struct PredictCommand {
  std::vector<std::string> paths;
  std::string model;
  std::optional<Precision> precision;  ///< Nothing: as in the training of the model.
  double max_seconds = 60;
  std::string channel;  ///< Empty: as in the training of the model.
  bool accept_damaged = false;
  int threads = 0;
  bool json = false;
  std::optional<double> reject_below;      ///< Probability.
  std::optional<double> target_precision;  ///< Instead of reject_below.
};

/// Calls use(path) for each path on the command line; "-" stands for a list on standard input, one
/// path per line, which is read while it is processed.
template <typename Use>
void for_each_file(const std::vector<std::string>& paths, Use&& use) {
  for (const auto& path : paths) {
    if (path != "-") {
      use(path);
      continue;
    }
    LineReader lines(std::cin);
    while (const auto line = lines.next()) use(*line);
  }
}

void warn_about(const AudioLoader& loader, std::span<const float> samples, const std::string& file,
                ChannelChoice channel) {
  const std::string path = printable(file);
  if (!loader.damage().empty()) spdlog::warn("{}: {}", path, loader.damage());
  if (!loader.warning().empty()) spdlog::warn("{}: {}", path, loader.warning());
  if (!is_silent(samples)) return;
  const bool is_mixed = channel.is_mean() && loader.source_channels() > 1;
  spdlog::warn("{}: silent{}", path,
               is_mixed ? fmt::format(": the mean of {} channels; --channel selects one",
                                      loader.source_channels())
                        : "");
}

/// Returns one utterance as the data loader returns it from a shard, so that a file and the same
/// utterance in a corpus have the same prediction. Does not clip: audio beyond full scale is
/// clipped in int16 shards, and the model can use more of it without.
Batch load_single(AudioLoader& loader, const std::string& path, const AudioConversion& conversion,
                  bool normalized) {
  const auto samples = loader.load(path);
  warn_about(loader, samples, path, conversion.channel);
  Batch batch;
  batch.rows = 1;
  batch.samples = static_cast<int64_t>(samples.size());
  batch.length = {batch.samples};
  batch.label = {0};
  batch.utterance = {0};
  batch.audio = {new float[samples.size()], std::default_delete<float[]>()};
  const std::span<float> audio(batch.audio.get(), samples.size());
  std::copy(samples.begin(), samples.end(), audio.begin());
  if (conversion.sample_type == SampleType::kInt16) round_to_int16_steps(audio);
  if (normalized) normalize(audio);
  return batch;
}

/// The lowest probability of an answer; 0 if nothing is rejected.
double rejection_threshold(const PredictCommand& command, const Calibration& calibration) {
  if (!command.target_precision) return command.reject_below.value_or(0);
  const double target = *command.target_precision;
  if (calibration.rejection.empty()) {
    throw UserError(
        "--target-precision: {} has no thresholds from a validation; use --reject-below, or a "
        "model that s2i-train has validated",
        command.model);
  }
  if (const auto point = calibration.at_precision(target)) return point->threshold;
  const OperatingPoint& best = calibration.rejection.back();
  throw UserError(
      "--target-precision={}: no threshold reached it in the validation of {}; the highest "
      "precision was {:.4f}, with {:.1f}% of the utterances accepted",
      target, command.model, best.precision, 100 * best.coverage);
}

void print_prediction(const std::string& path, const at::Tensor& logits,
                      const std::vector<std::string>& intents, double temperature, double threshold,
                      bool json) {
  const at::Tensor probabilities = at::softmax(logits.to(at::kDouble).div(temperature), 1);
  const int64_t best = logits.argmax(1).item<int64_t>();
  const std::string& intent = intents[static_cast<size_t>(best)];
  const double probability = probabilities[0][best].item<double>();
  const bool is_rejected = probability < threshold;
  if (!json) {
    write_output(fmt::format("{}\t{}\t{:.4f}\n", printable(path),
                             is_rejected ? "reject" : printable(intent), probability));
    flush_output();
    return;
  }
  OrderedJson all = OrderedJson::object();
  for (size_t c = 0; c < intents.size(); ++c) {
    all[intents[c]] = logits[0][static_cast<int64_t>(c)].item<float>();
  }
  const OrderedJson line = {{"path", escape_invalid_utf8(path)},
                            {"intent", intent},
                            {"probability", probability},
                            {"rejected", is_rejected},
                            {"logits", all}};
  write_output(line.dump() + "\n");
  flush_output();
}

int predict_files(const PredictCommand& command) {
  const at::NoGradGuard no_grad;
  if (command.threads > 0) at::set_num_threads(command.threads);
  const LoadedModel loaded = load_classifier(command.model, at::kCPU);
  const Calibration calibration = calibration_of(loaded.usage, command.model);
  const double threshold = rejection_threshold(command, calibration);
  const Precision trained_with = loaded.usage ? loaded.usage->precision : Precision::kFloat32;
  const ForwardOptions options =
      forward_options(Padding::kMasked, command.precision.value_or(trained_with));
  // A model from elsewhere was trained on the samples as they are.
  AudioConversion conversion =
      loaded.usage ? loaded.usage->audio : AudioConversion{SampleType::kFloat32, {}};
  if (!command.channel.empty()) conversion.channel = parse_channel(command.channel);
  AudioLoader loader(static_cast<int>(loaded.preprocessor.sampling_rate),
                     {.max_seconds = command.max_seconds,
                      .channel = conversion.channel,
                      .accept_damaged = command.accept_damaged});
  const auto logits_of = [&](const std::string& path) {
    const Batch batch = load_single(loader, path, conversion, loaded.preprocessor.do_normalize);
    const BatchTensors tensors = to_tensors(batch, at::kCPU);
    at::Tensor logits = loaded.model->forward(tensors.audio, batch.length, options);
    if (!logits.isfinite().all().item<bool>()) throw RunError("the logits are NaN or infinite");
    return logits;
  };
  int failed = 0;
  for_each_file(command.paths, [&](const std::string& path) {
    at::Tensor logits;
    try {
      logits = logits_of(path);
    } catch (const AudioError& error) {  // the message names the file
      spdlog::error("{}", printable(error.what()));
      ++failed;
      return;
    } catch (const std::exception& error) {
      spdlog::error("{}: {}", printable(path),
                    is_out_of_memory(error)
                        ? "out of memory; split the file, or use a machine with more memory"
                        : printable(error.what()));
      ++failed;
      return;
    }
    print_prediction(path, logits, loaded.model->config().labels, calibration.temperature,
                     threshold, command.json);
  });
  return failed == 0 ? kExitDone : kExitRunFailed;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Prints path, intent and probability of each audio file, separated by tabs. Control "
      "characters "
      "in paths are escaped, e.g. a tab as \\t.",
      "s2i-predict");
  PredictCommand command;
  app.add_option("files", command.paths, "Audio files, or - for a list on standard input")
      ->required();
  app.add_option("--model", command.model, "Hugging Face folder, such as runs/x/best/model")
      ->required();
  app.add_flag("--json", command.json,
               "Print one JSON object per file: path, intent, probability, rejected, logits");
  auto* below = app.add_option("--reject-below", command.reject_below,
                               "Print reject for an utterance whose probability is lower")
                    ->check(CLI::Range(0.0, 1.0));
  app.add_option("--target-precision", command.target_precision,
                 "Print reject below the lowest probability from which on, in the validation of "
                 "the model, this fraction of the answers was right")
      ->check(CLI::Range(0.0, 1.0))
      ->excludes(below);
  app.add_option("--max-seconds", command.max_seconds, "Longest accepted file in seconds")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option(
      "--channel", command.channel,
      "Channel to use from files with several: mean, left, right, or a number from 1 [as "
      "in the training of the model]");
  app.add_flag("--accept-damaged", command.accept_damaged,
               "Use the readable part of truncated or corrupt audio files, with a warning");
  add_choice(app, "--precision", command.precision, kPrecisionChoices,
             "Type of activations and matrix products");
  app.add_option("--threads", command.threads, "CPU threads; 0: all cores")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::warn);
  return predict_files(command);
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
