#include "train/observers/list.h"

#include <utility>

#include "train/observers/console_progress.h"
#include "train/observers/loss_spikes.h"
#include "train/observers/model_calibration.h"
#include "train/observers/nonfinite_steps.h"
#include "train/observers/step_metrics.h"
#include "train/observers/stragglers.h"
#include "train/observers/tensor_board.h"
#include "train/observers/validation_log.h"

namespace s2i {

ObserverList make_observers(const ObserverSettings& settings, RunSnapshot& snapshot,
                            Communicator& communicator) {
  std::vector<std::unique_ptr<TrainObserver>> list;
  // On all ranks: they communicate.
  list.push_back(std::make_unique<Stragglers>(settings, communicator));
  list.push_back(std::make_unique<NonfiniteSteps>(settings, snapshot, communicator));
  if (communicator.rank() == 0) {
    list.push_back(std::make_unique<LossSpikes>(settings));
    list.push_back(std::make_unique<StepMetrics>(settings));
    list.push_back(std::make_unique<ModelCalibration>(snapshot));
    list.push_back(std::make_unique<ConsoleProgress>(settings));
    list.push_back(std::make_unique<ValidationLog>(settings));
    if (settings.tensorboard) list.push_back(std::make_unique<TensorBoard>(settings));
  }
  return ObserverList(std::move(list));
}

void ObserverList::on_start(const RunState& state) {
  for (const auto& observer : observers_) observer->on_start(state);
}

void ObserverList::on_step(StepEvent& event) {
  for (const auto& observer : observers_) observer->on_step(event);
}

void ObserverList::on_validation(const ValidationEvent& event) {
  for (const auto& observer : observers_) observer->on_validation(event);
}

void ObserverList::sync() {
  for (const auto& observer : observers_) observer->sync();
}

void ObserverList::on_end() {
  for (const auto& observer : observers_) observer->on_end();
}

void ObserverList::on_complete(const CompletionEvent& event) {
  for (const auto& observer : observers_) observer->on_complete(event);
}

}  // namespace s2i
