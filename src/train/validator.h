// Validation of the model during training.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "classification/calibration.h"
#include "classification/metrics.h"
#include "train/evaluation.h"

namespace s2i {

struct Validation {
  ClassificationMetrics metrics;
  Calibration calibration;
  double seconds = 0;
  int stop_signal = 0;  ///< Stopped by this signal, then without metrics; or 0.
};

class Validator {
 public:
  /// All referenced objects outlive this one. `utterances` of `dataset` may be empty.
  Validator(const IntentClassifier& model, const Dataset& dataset, std::vector<uint32_t> utterances,
            Communicator& communicator, EvaluationSettings settings);

  bool has_data() const { return !utterances_.empty(); }

  /// Collective; the result is the same on every rank.
  Validation run();

 private:
  const IntentClassifier& model_;
  const Dataset& dataset_;
  std::vector<uint32_t> utterances_;
  Communicator& communicator_;
  EvaluationSettings settings_;
};

}  // namespace s2i
