// The training step and the prediction on LibTorch's meta device, for Python: tensors have shapes
// but no values, and every operation passes Python's dispatch modes, which count and check it.
#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <torch/custom_class.h>

#include <memory>
#include <string>
#include <vector>

#include "classification/intent_classifier.h"
#include "train/assembly.h"

namespace s2i {
namespace {

class MetaTraining : public torch::CustomClassHolder {
 public:
  /// layers: 0 for those of the shape.
  MetaTraining(const std::string& type, const std::string& shape, int64_t layers, bool bfloat16,
               bool frozen) {
    ClassifierConfig config = ClassifierConfig::of_shape(type, shape);
    config.labels = {"a", "b", "c"};
    config.encoder.layerdrop = 0;  // the same layers in every step
    if (layers > 0) config.encoder.num_hidden_layers = layers;
    model_ = std::make_unique<IntentClassifier>(config, at::kMeta);
    model_->freeze(frozen, 0);
    settings_.step.forward.compute_type = bfloat16 ? at::kBFloat16 : at::kFloat;
    parts_.emplace(*model_, PreprocessorConfig{}, *communicator_, settings_);
  }

  /// A step on one micro-batch of utterances of these lengths in samples.
  void step(const std::vector<int64_t>& lengths) {
    parts_->step().start(
        step_++, 1e-3, {static_cast<int64_t>(lengths.size()), 1}, [&] { return batch(lengths); },
        /*received_signal=*/0);
  }

  void predict(const std::vector<int64_t>& lengths) {
    const c10::NoGradGuard no_grad;
    const Batch inputs = batch(lengths);
    model_->forward(at::empty({inputs.rows, inputs.samples}, at::kMeta), inputs.length,
                    settings_.step.forward);
  }

 private:
  static Batch batch(const std::vector<int64_t>& lengths) {
    Batch batch;
    batch.rows = static_cast<int64_t>(lengths.size());
    batch.samples = lengths.back();
    const auto size = static_cast<size_t>(batch.rows * batch.samples);
    batch.audio = {new float[size](), std::default_delete<float[]>()};
    batch.length = lengths;
    batch.label.assign(lengths.size(), 1);
    batch.utterance.assign(lengths.size(), 0);
    return batch;
  }

  AssemblySettings settings_;
  std::unique_ptr<Communicator> communicator_ = make_self_communicator();
  std::unique_ptr<IntentClassifier> model_;
  std::optional<TrainingParts> parts_;
  int64_t step_ = 0;
};

TORCH_LIBRARY_FRAGMENT(s2i_test, library) {
  library.class_<MetaTraining>("MetaTraining")
      .def(torch::init<std::string, std::string, int64_t, bool, bool>())
      .def("step", [](const c10::intrusive_ptr<MetaTraining>& self,
                      const std::vector<int64_t>& lengths) { self->step(lengths); })
      .def("predict", [](const c10::intrusive_ptr<MetaTraining>& self,
                         const std::vector<int64_t>& lengths) { self->predict(lengths); });
}

}  // namespace
}  // namespace s2i
