#include "classification/pretrained.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "weights/model_weights.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

using TensorMap = std::map<std::string, at::Tensor>;

constexpr uint64_t kMaxConfigBytes = 4 << 20;  // with a thousand names of intents
constexpr const char* kClassifierWeight = "classifier.weight";

/// "a, b, c and 12 more"
std::string list_text(const std::vector<std::string>& names) {
  constexpr size_t kShown = 5;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), kShown); ++i)
    text += (i > 0 ? ", " : "") + names[i];
  if (names.size() > kShown) text += fmt::format(" and {} more", names.size() - kShown);
  return text;
}

TensorMap current_names(const NamedTensors& tensors, const std::string& prefix,
                        const std::string& source) {
  TensorMap result;
  for (const auto& [name, tensor] : tensors) {
    const std::string current = current_name(name, prefix);
    if (!result.emplace(current, tensor).second) {
      throw UserError("{}: the tensor {} is there twice", source, current);
    }
  }
  return result;
}

/// Whether the head of the weights is to be used: it is there and it is for these intents.
bool keep_head(const TensorMap& weights, const ClassifierConfig& config,
               const LoadSettings& settings, const std::string& source) {
  const auto head = weights.find(kClassifierWeight);
  if (head == weights.end() || settings.new_head) return false;
  const std::vector<std::string>& trained = config.labels;
  const auto& wanted = settings.intents.empty() ? trained : settings.intents;
  const int64_t classes = head->second.dim() > 0 ? head->second.size(0) : 0;
  const auto count = static_cast<int64_t>(wanted.size());
  if (classes != count) {
    throw UserError(
        "{} has a head for {} intents, and {} are wanted; use the intents it was trained "
        "for, or start with a new head: model.replace_head=true",
        source, classes, count);
  }
  const auto differ = std::mismatch(wanted.begin(), wanted.end(), trained.begin(), trained.end());
  if (differ.first == wanted.end() || config.has_generic_labels()) return true;
  throw UserError(
      "{} has a head for other intents: its number {} is \"{}\", and \"{}\" is wanted; use "
      "the intents it was trained for, or start with a new head: model.replace_head=true",
      source, differ.first - wanted.begin(), *differ.second, *differ.first);
}

/// Parameters that weights may lack: what fine-tuning adds to a pretrained encoder.
bool may_be_missing(const std::string& name, const std::string& prefix) {
  return !name.starts_with(prefix) || name == prefix + "masked_spec_embed";
}

/// The parameters and buffers that have values that are NaN or infinite, with the number of these.
std::vector<std::string> nonfinite_tensors(const NamedTensors& tensors) {
  std::vector<std::string> found;
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.is_floating_point()) continue;
    const at::Tensor finite = at::isfinite(tensor);
    if (finite.all().item<bool>()) continue;
    found.push_back(fmt::format("{} ({} of {} values)", name,
                                tensor.numel() - finite.sum().item<int64_t>(), tensor.numel()));
  }
  return found;
}

/// Explains missing tensors if a wrapper module added a prefix to all names; empty otherwise.
std::string describe_wrapper(const TensorMap& weights, const std::string& missing,
                             const std::string& encoder_prefix) {
  struct Wrapper {
    const char* prefix;
    const char* added_by;
  };
  constexpr std::array kWrappers{Wrapper{"module.", "torch.nn.DataParallel"},
                                 Wrapper{"_orig_mod.", "torch.compile"},
                                 Wrapper{"model.", "a wrapper module"}};
  for (const Wrapper& wrapper : kWrappers) {
    const std::string bare =
        missing.starts_with(encoder_prefix) ? missing.substr(encoder_prefix.size()) : missing;
    if (!weights.contains(wrapper.prefix + missing) && !weights.contains(wrapper.prefix + bare)) {
      continue;
    }
    return fmt::format(
        "; its tensor names begin with \"{}\", which {} adds: remove this prefix from the names",
        wrapper.prefix, wrapper.added_by);
  }
  return "";
}

void copy_weights(IntentClassifier& model, TensorMap& weights, const LoadSettings& settings,
                  LoadReport& report) {
  const c10::NoGradGuard no_grad;
  const std::string prefix = model.config().type.prefix();
  std::vector<std::string> missing, misshapen;
  const auto copy = [&](const NamedTensor& to) {
    const auto entry = weights.find(to.name);
    if (entry == weights.end()) return false;
    const at::Tensor& value = entry->second;
    if (value.sizes() != to.tensor.sizes() ||
        value.is_floating_point() != to.tensor.is_floating_point()) {
      misshapen.push_back(fmt::format(
          "{} is {} {} and should be {}", to.name, c10::toString(value.scalar_type()),
          fmt::join(value.sizes().vec(), "x"), fmt::join(to.tensor.sizes().vec(), "x")));
    } else {
      to.tensor.copy_(value);
    }
    weights.erase(entry);
    return true;
  };
  for (const NamedTensor& parameter : model.parameters()) {
    if (copy(parameter)) continue;
    if (may_be_missing(parameter.name, prefix)) {
      model.initialize(parameter, settings.seed);
      report.initialized.push_back(parameter.name);
    } else {
      missing.push_back(parameter.name);
    }
  }
  for (const NamedTensor& buffer : model.buffers()) {
    if (!copy(buffer)) missing.push_back(buffer.name);
  }
  if (!missing.empty()) {
    throw UserError("{} lacks {} of the model's tensors: {}{}", report.source, missing.size(),
                    list_text(missing), describe_wrapper(weights, missing.front(), prefix));
  }
  if (!misshapen.empty()) {
    throw UserError("{} does not fit its config.json: {}", report.source, list_text(misshapen));
  }
  for (const auto& [name, tensor] : weights) report.ignored.push_back(name);
}

/// For the folder of a run or of a checkpoint, which hold models.
std::string suggest_model_in(const fs::path& dir) {
  for (const fs::path inside : {"model", "best/model", "last/model"}) {
    if (fs::exists(dir / inside / "config.json")) {
      return fmt::format("; use its model {}", (dir / inside).string());
    }
  }
  return "";
}

}  // namespace

std::unique_ptr<IntentClassifier> load_pretrained(const fs::path& dir, at::Device device,
                                                  const LoadSettings& settings,
                                                  LoadReport& report) {
  const fs::path config_file = dir / "config.json";
  if (!fs::exists(config_file)) {
    throw UserError("{} is not a model directory: it has no config.json{}", dir.string(),
                    suggest_model_in(dir));
  }
  ClassifierConfig config =
      ClassifierConfig::from_json(read_json(config_file, kMaxConfigBytes), config_file.string());
  if (settings.dropout) config.encoder.set_dropout(*settings.dropout);
  if (settings.spec_augment) config.encoder.apply_spec_augment = *settings.spec_augment;
  if (settings.weighted_layer_sum) config.use_weighted_layer_sum = *settings.weighted_layer_sum;
  report = {};
  TensorMap weights =
      current_names(read_weights(dir, report.source), config.type.prefix(), report.source);

  const bool keep = keep_head(weights, config, settings, report.source);
  if (!settings.intents.empty()) config.labels = settings.intents;
  auto model = std::make_unique<IntentClassifier>(std::move(config), device);
  if (!keep) {  // the projector belongs to the head: it learned with the classifier
    for (const char* name :
         {"projector.weight", "projector.bias", kClassifierWeight, "classifier.bias"}) {
      weights.erase(name);
    }
  }
  copy_weights(*model, weights, settings, report);
  if (!settings.allow_nonfinite) {
    const std::vector<std::string> nonfinite = nonfinite_tensors(named_tensors(*model));
    if (!nonfinite.empty()) {
      throw UserError(
          "{} has NaN or infinite values in {} tensors: {}; the training that wrote it diverged: "
          "use "
          "an earlier checkpoint",
          report.source, nonfinite.size(), list_text(nonfinite));
    }
  }
  return model;
}

NamedTensors named_tensors(const IntentClassifier& model) {
  NamedTensors tensors = model.parameters();
  tensors.insert(tensors.end(), model.buffers().begin(), model.buffers().end());
  return tensors;
}

std::string fixed_weights_checksum(const IntentClassifier& model) {
  ChecksumStream stream;
  for (const auto& [name, tensor] : named_tensors(model)) {
    if (tensor.requires_grad()) continue;
    const at::Tensor values = tensor.to(at::kCPU).contiguous();
    const auto* data = static_cast<const std::byte*>(values.const_data_ptr());
    stream.update({data, values.nbytes()});
  }
  return checksum_text(stream.value());
}

void load_saved_weights(IntentClassifier& model, const fs::path& safetensors) {
  const c10::NoGradGuard no_grad;
  const TensorMap saved = by_name(read_safetensors(safetensors).tensors);
  for (const auto& [name, tensor] : named_tensors(model)) {
    const auto found = saved.find(name);
    if (found == saved.end() || found->second.sizes() != tensor.sizes()) {
      throw UserError("{}: the tensor '{}' is missing or has another shape than the model's",
                      safetensors.string(), name);
    }
    tensor.copy_(found->second);
  }
}

void save_pretrained(const fs::path& dir, const IntentClassifier& model,
                     const PreprocessorConfig& preprocessor,
                     const std::vector<std::string>& intents) {
  save_pretrained(dir, model.config(), named_tensors(model), preprocessor, intents);
}

void save_pretrained(const fs::path& dir, ClassifierConfig config, const NamedTensors& parameters,
                     const PreprocessorConfig& preprocessor,
                     const std::vector<std::string>& intents) {
  if (!intents.empty()) {
    S2I_CHECK(intents.size() == config.labels.size(), "{} intents for {} logits", intents.size(),
              config.labels.size());
    config.labels = intents;
  }
  std::error_code error;
  fs::create_directories(dir, error);
  if (error) throw RunError("cannot make the folder {}: {}", dir.string(), error.message());
  write_json(dir / "config.json", config.to_json());
  write_json(dir / "preprocessor_config.json", to_json(preprocessor));
  write_safetensors(dir / "model.safetensors", parameters, {{"format", "pt"}});
}

}  // namespace s2i
