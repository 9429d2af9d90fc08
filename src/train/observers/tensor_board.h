// Event files for TensorBoard.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tensorboard/event_folder.h"
#include "train/observers/list.h"

namespace s2i {

constexpr const char* kTensorBoardFolder = "tensorboard";  ///< In run.dir.

class TensorBoard : public TrainObserver {
 public:
  explicit TensorBoard(const ObserverSettings& settings);

  /// Removes events that the run will write again: each step is shown once.
  void on_start(const RunState& state) override;
  void on_step(StepEvent& event) override;
  void on_validation(const ValidationEvent& event) override;
  void sync() override;
  void on_end() override;
  /// Writes the final figures, by which runs are compared.
  void on_complete(const CompletionEvent& event) override;

 private:
  /// One value of f1 for each intent, and the confusion matrix.
  void add_intents(tensorboard::Event& event, const std::string& group,
                   const ClassificationMetrics& metrics) const;

  std::filesystem::path run_dir_;
  std::vector<std::string> intents_;
  std::string configuration_;
  std::vector<tensorboard::HParam> hyperparameters_;
  std::optional<tensorboard::EventFolder> events_;  ///< From on_start() on.
};

}  // namespace s2i
