// Small models and batches for the model's tests.
#pragma once

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>

#include <memory>
#include <string>
#include <vector>

#include "classification/intent_classifier.h"
#include "core/random.h"

namespace s2i {

/// A model that tests run in milliseconds: two layers of width 32.
inline ClassifierConfig small_config(const std::string& type = "wavlm") {
  ClassifierConfig config = ClassifierConfig::of_shape(type, "tiny");
  config.labels = {"a", "b", "c"};
  return config;
}

inline ClassifierConfig small_layer_norm_config(const std::string& type = "wavlm") {
  ClassifierConfig config = small_config(type);
  config.encoder.feat_extract_norm = "layer";
  config.encoder.conv_bias = true;
  config.encoder.do_stable_layer_norm = true;
  return config;
}

inline std::unique_ptr<IntentClassifier> make_model(const ClassifierConfig& config,
                                                    uint64_t seed = 1) {
  at::set_num_threads(1);  // small shapes would be all synchronization
  auto model = std::make_unique<IntentClassifier>(config, at::kCPU);
  model->initialize(seed);
  return model;
}

/// Noise of the given lengths, zero padded to `padded` samples or the longest.
struct TestBatch {
  at::Tensor audio;
  std::vector<int64_t> lengths;

  explicit TestBatch(const std::vector<int64_t>& samples, int64_t padded = 0, uint64_t seed = 7)
      : lengths(samples) {
    for (const int64_t length : samples) padded = std::max(padded, length);
    audio = at::zeros({static_cast<int64_t>(samples.size()), padded});
    for (size_t b = 0; b < samples.size(); ++b) {
      // The samples of an utterance depend on its length alone, wherever it stands.
      RandomStream random(derive_key(seed, samples[b]));
      float* row = audio.mutable_data_ptr<float>() + static_cast<int64_t>(b) * padded;
      for (int64_t t = 0; t < samples[b]; ++t)
        row[t] = static_cast<float>(4 * random.uniform() - 2);
    }
  }
};

inline double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  return (a.detach() - b.detach()).abs().max().item<double>();
}

}  // namespace s2i
