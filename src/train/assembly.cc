#include "train/assembly.h"

#include <ATen/ops/empty_like.h>

#include "train/batch_tensors.h"
#include "train/config/train_config.h"

namespace s2i {

AssemblySettings assembly_settings(const TrainConfig& config) {
  AssemblySettings settings;
  settings.step.forward = forward_options(config.model.padding, config.precision);
  settings.step.seed = static_cast<uint64_t>(config.run.seed);
  settings.step.label_smoothing = config.loop.label_smoothing;
  settings.step.clip_norm = config.optimizer.clip_norm;
  settings.step.stop_signals = config.run.stop_signals;
  settings.step.reproducible = config.cluster.reproducible;
  settings.reducer.bucket_mib = config.cluster.bucket_mib;
  settings.reducer.type = config.cluster.reduce_type;
  settings.optimizer = config.optimizer;
  settings.loader.verify = config.data.verify;
  settings.loader.length_multiple = config.batch.length_multiple;
  settings.loader.prefetch = config.data.prefetch;
  return settings;
}

namespace {

std::unique_ptr<Optimizer> make_optimizer(IntentClassifier& model, const GradientReducer& reducer,
                                          const AssemblySettings& settings) {
  FlatTensors flat{reducer.flat_parameters(), reducer.flat_gradients(), {}};
  if (settings.step.forward.compute_type == at::kBFloat16) {
    flat.narrow = at::empty_like(flat.values, at::kBFloat16);
  }
  auto optimizer = settings.optimizer.kind.make(settings.optimizer, model.trainable(), flat);
  if (flat.narrow.defined()) model.use_narrow_copies(flat.values, flat.narrow);
  return optimizer;
}

}  // namespace

TrainingParts::TrainingParts(IntentClassifier& model, const PreprocessorConfig& preprocessor,
                             Communicator& communicator, const AssemblySettings& settings)
    : reducer_(tensors_of(model.trainable()), communicator, settings.reducer),
      optimizer_(make_optimizer(model, reducer_, settings)),
      step_(model, reducer_, *optimizer_, communicator, settings.step),
      loader_(settings.loader) {
  loader_.normalize = preprocessor.do_normalize;
  loader_.allocate = loader_memory(model.device());
}

}  // namespace s2i
