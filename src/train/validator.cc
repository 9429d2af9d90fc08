#include "train/validator.h"

#include <utility>

#include "core/clock.h"

namespace s2i {

Validator::Validator(const IntentClassifier& model, const Dataset& dataset,
                     std::vector<uint32_t> utterances, Communicator& communicator,
                     EvaluationSettings settings)
    : model_(model),
      dataset_(dataset),
      utterances_(std::move(utterances)),
      communicator_(communicator),
      settings_(std::move(settings)) {}

Validation Validator::run() {
  const Stopwatch watch;
  Validation validation;
  auto result = predict(model_, dataset_, utterances_, communicator_, settings_);
  validation.stop_signal = result.stop_signal;
  if (result.stop_signal == 0) {
    validation.calibration = calibrate(result.predictions);
    validation.metrics =
        compute_metrics(std::move(result.predictions), model_.config().num_labels());
  }
  validation.seconds = watch.seconds();
  return validation;
}

}  // namespace s2i
