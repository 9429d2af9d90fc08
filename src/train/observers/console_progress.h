// The progress bar of training.
#pragma once

#include "core/progress.h"
#include "train/observers/list.h"

namespace s2i {

class ConsoleProgress : public TrainObserver {
 public:
  explicit ConsoleProgress(const ObserverSettings& settings);

  void on_start(const RunState& state) override;
  void on_step(StepEvent& event) override;
  void on_end() override;

 private:
  int64_t steps_per_epoch_;
  int64_t total_steps_;
  ProgressBar bar_;
};

}  // namespace s2i
