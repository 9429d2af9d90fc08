#include "train/config/loop.h"

namespace s2i {

void add_fields(ConfigFields& fields, LoopConfig& loop) {
  fields
      .emplace_back("train.epochs", &loop.epochs,
                    "Epochs; 0: until train.max_steps. Where only one of the two is set, the other "
                    "does not count; where both are, the smaller limit applies")
      .range(0, 1e9)
      .may_change_on_resume();
  fields
      .emplace_back("train.max_steps", &loop.max_steps,
                    "Stop after this many steps; 0: after train.epochs")
      .range(0, 1e12)
      .may_change_on_resume();
  fields.emplace_back("train.label_smoothing", &loop.label_smoothing, "Label smoothing")
      .range(0, 0.99);
  fields
      .emplace_back("train.evaluate_every_steps", &loop.evaluate_every_steps,
                    "Validation interval in steps; 0: at the end of each epoch")
      .range(0, 1e12)
      .may_change_on_resume();
  fields.push_back(registry_field("train.best_metric", loop.best_metric, metric_kinds(),
                                  "Validation metric that selects the best checkpoint"));
  fields
      .emplace_back(
          "train.early_stop_patience", &loop.early_stop_patience,
          "Stop after this many validations without improvement of train.best_metric; 0 disables")
      .range(0, 1e9)
      .may_change_on_resume();
  fields
      .emplace_back("train.max_bad_steps", &loop.max_bad_steps,
                    "Abort after this many consecutive steps with a loss or gradient that is not "
                    "finite")
      .range(1, 1e9)
      .may_change_on_resume();
  fields
      .emplace_back("train.spike_factor", &loop.spike_factor,
                    "Report a loss above this multiple of the median of the last 64 steps; 0 "
                    "disables")
      .range(0, 1e9)
      .may_change_on_resume();
}

}  // namespace s2i
