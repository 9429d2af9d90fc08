// run_state.json: where a run is, and which run it is.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"

namespace s2i {

/// Where a run is: all that a resume needs beside the weights and the optimizer's state. No state
/// of a random generator: every draw is a function of (seed, step, utterance).
struct RunState {
  int64_t step = 0;             ///< Steps done.
  int64_t epoch = 0;            ///< The epoch of the next step.
  int64_t step_in_epoch = 0;    ///< The next step's index in its epoch.
  bool finished = false;        ///< The last step was done or the run stopped early.
  bool validation_due = false;  ///< Stopped by a signal before the validation of this step.
  double best_value = 0;        ///< Best validation so far (higher is better).
  double best_loss = 0;         ///< Its mean loss: between equal values the lower loss is better.
  int64_t best_step = -1;       ///< Its step; -1: none yet.
  int64_t since_best = 0;       ///< Validations since then.
  int64_t skipped_steps = 0;    ///< Steps whose gradient was not finite.
  int64_t consecutive_nonfinite_steps =
      0;  ///< Of these, the newest without a good one between them.

  friend bool operator==(const RunState&, const RunState&) = default;
};

/// Notes a validation, of which `value` is the metric (higher is better). True if it is the best so
/// far: between equal values the lower loss is better, and one that is not finite is never the
/// best.
bool note_validation(RunState& state, double value, double loss);

/// What must be the same for a resume to be the same run, and what is told if it is not.
struct RunIdentity {
  std::string data_checksum = {};
  /// Of data.validation_split; empty: there is none, or it is unknown.
  std::string validation_checksum = {};
  int64_t world_size = 0;  ///< Ranks; 0: unknown. May change.
  /// The whole effective configuration.
  std::vector<std::pair<std::string, std::string>> config = {};

  friend bool operator==(const RunIdentity&, const RunIdentity&) = default;
};

/// run_state.json. What is read from it is what was written.
OrderedJson to_json(const RunState& state, const RunIdentity& identity);

/// Both throw UserError for what no run wrote, naming it and `where`. What older versions did not
/// write is unknown.
RunState run_state_from_json(const Json& json, const std::string& where);
RunIdentity run_identity_from_json(const Json& json, const std::string& where);

/// Compares the run of a checkpoint with the one to go on with. Returns the lines of what changed
/// and may; what is unknown on either side has not changed. Throws UserError with the lines of what
/// changed and may not.
std::vector<std::string> check_resumable(const RunIdentity& saved, const RunIdentity& wanted);

}  // namespace s2i
