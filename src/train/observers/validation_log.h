// validation.jsonl and a line in the log for each validation.
#pragma once

#include <optional>
#include <string>

#include "train/metrics_log.h"
#include "train/observers/list.h"

namespace s2i {

constexpr const char* kValidationFile = "validation.jsonl";  ///< In run.dir.

class ValidationLog : public TrainObserver {
 public:
  explicit ValidationLog(const ObserverSettings& settings);

  void on_start(const RunState& state) override;
  void on_validation(const ValidationEvent& event) override;
  void sync() override;
  void on_end() override;

 private:
  std::filesystem::path path_;
  std::string best_metric_;
  std::optional<MetricsLog> log_;  ///< From on_start() on.
};

}  // namespace s2i
