// Warns about loss spikes.
#pragma once

#include "train/observers/list.h"
#include "train/spike_detector.h"

namespace s2i {

class LossSpikes : public TrainObserver {
 public:
  explicit LossSpikes(const ObserverSettings& settings);

  /// Reads the losses before a resume from metrics.jsonl.
  void on_start(const RunState& state) override;
  void on_step(StepEvent& event) override;

 private:
  std::filesystem::path metrics_;
  double factor_;
  SpikeDetector detector_;
};

}  // namespace s2i
