#include "train/loaded_model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <set>
#include <string_view>

#include "core/error.h"
#include "core/unicode.h"
#include "weights/hub_cache.h"

namespace s2i {

namespace {

/// The output of a classifier names each class by its label.
void require_distinct_labels(const ClassifierConfig& config, const std::filesystem::path& folder) {
  std::set<std::string_view> seen;
  for (const std::string& label : config.labels) {
    if (seen.insert(label).second) continue;
    throw UserError("{}: two classes have the name '{}'; give them different names in \"id2label\"",
                    (folder / "config.json").string(), printable(label));
  }
}

}  // namespace

LoadedModel load_model(const ModelConfig& config,
                       const std::optional<std::filesystem::path>& resume,
                       const std::vector<std::string>& intents, uint64_t seed, at::Device device) {
  const std::filesystem::path folder = resume ? *resume / "model" : resolve_model(config.init);
  LoadSettings settings;
  settings.intents = intents;
  settings.seed = seed;
  settings.new_head = config.replace_head && !resume;
  settings.allow_nonfinite = resume.has_value();
  if (config.dropout >= 0) settings.dropout = config.dropout;
  settings.spec_augment = config.spec_augment;
  settings.weighted_layer_sum = config.weighted_layer_sum;
  LoadReport report;
  LoadedModel loaded;
  loaded.model = load_pretrained(folder, device, settings, report);
  loaded.model->freeze(config.freeze_feature_encoder, config.freeze_layers);
  loaded.preprocessor = load_preprocessor(folder);
  // Checkpoints save it: their users have to prepare audio in the same way.
  if (config.normalize) loaded.preprocessor.do_normalize = *config.normalize;
  spdlog::info("{} model from {}: {}", loaded.model->config().type.name(), report.source,
               describe_parameters(*loaded.model));
  if (!report.initialized.empty()) {
    spdlog::info("not in the weights, initialized at random: {}",
                 fmt::join(report.initialized, ", "));
  }
  for (const std::string& note : loaded.model->config().type.training_notes()) {
    spdlog::info("{}", note);
  }
  if (!report.ignored.empty()) {
    spdlog::info("in the weights but not in this model, ignored: {}",
                 fmt::join(report.ignored, ", "));
  }
  return loaded;
}

std::string describe_parameters(const IntentClassifier& model) {
  const auto count = [](const NamedTensors& tensors) {
    int64_t values = 0;
    for (const auto& [name, tensor] : tensors) values += tensor.numel();
    return values;
  };
  return fmt::format("{} of {} parameters are trained", count(model.trainable()),
                     count(model.parameters()));
}

LoadedModel load_classifier(const std::string& init, at::Device device) {
  const std::filesystem::path folder = resolve_model(init);
  LoadReport report;
  LoadedModel loaded;
  loaded.model = load_pretrained(folder, device, LoadSettings{}, report);
  loaded.model->freeze_all();
  if (!report.initialized.empty()) {
    throw UserError(
        "{} is not a trained classifier: {} are not in its weights; train one with s2i-train",
        folder.string(), fmt::join(report.initialized, ", "));
  }
  require_distinct_labels(loaded.model->config(), folder);
  loaded.preprocessor = load_preprocessor(folder);
  loaded.usage =
      read_model_usage(loaded.model->config().original, (folder / "config.json").string());
  return loaded;
}

}  // namespace s2i
