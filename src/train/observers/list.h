// All observers of a training run. A new one is a file in this folder and an entry in list.cc.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "classification/metrics/list.h"
#include "cluster/comm/communicator.h"
#include "tensorboard/event.h"
#include "train/observers/observer.h"
#include "train/run_snapshot.h"

namespace s2i {

struct ObserverSettings {
  std::filesystem::path run_dir;
  int64_t seed = 0;
  int64_t total_steps = 0;
  int64_t steps_per_epoch = 1;
  int64_t max_nonfinite_steps = 10;  ///< Consecutive ones that end the run.
  double spike_factor = 5;           ///< 0: no check.
  int64_t straggler_steps = 50;      ///< Interval of the check; 0: no check.
  double straggler_factor = 1.5;
  MetricKind best_metric = metric_kinds().front();
  bool tensorboard = true;  ///< Write event files.
  std::vector<std::string> intents;
  std::string configuration;  ///< All settings, as people read them.
  std::vector<tensorboard::HParam> hyperparameters;
};

/// Notifies observers in order.
class ObserverList {
 public:
  explicit ObserverList(std::vector<std::unique_ptr<TrainObserver>> observers)
      : observers_(std::move(observers)) {}

  void on_start(const RunState& state);
  void on_step(StepEvent& event);
  void on_validation(const ValidationEvent& event);
  void sync();
  void on_end();
  void on_complete(const CompletionEvent& event);

 private:
  std::vector<std::unique_ptr<TrainObserver>> observers_;
};

/// The observers of this rank, in the order in which they are notified. Collective. `snapshot` and
/// `communicator` outlive the list.
ObserverList make_observers(const ObserverSettings& settings, RunSnapshot& snapshot,
                            Communicator& communicator);

}  // namespace s2i
