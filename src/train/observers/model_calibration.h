// Saves the calibration that a validation found with the checkpoint of its step.
#pragma once

#include "train/observers/list.h"

namespace s2i {

class ModelCalibration : public TrainObserver {
 public:
  explicit ModelCalibration(RunSnapshot& snapshot) : snapshot_(snapshot) {}

  void on_validation(const ValidationEvent& event) override {
    snapshot_.set_calibration(event.state.step, event.validation.calibration);
  }

 private:
  RunSnapshot& snapshot_;
};

}  // namespace s2i
