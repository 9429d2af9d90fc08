// run_state.json: the position of a run in its training, and the identity of the run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/json.h"

namespace s2i {

/// Everything that a resume needs besides the weights and the optimizer's state. It has no state of
/// a random generator: every draw is a function of (seed, step, utterance).
struct RunState {
  int64_t step = 0;             ///< Completed steps.
  int64_t epoch = 0;            ///< The epoch of the next step.
  int64_t step_in_epoch = 0;    ///< The index of the next step in its epoch.
  bool finished = false;        ///< The last step is done, or the run stopped early.
  bool validation_due = false;  ///< A signal stopped the run before the validation of this step.
  double best_value = 0;        ///< Best validation so far; higher is better.
  double best_loss = 0;    ///< Its mean loss. Of equal values the one with lower loss is better.
  int64_t best_step = -1;  ///< Its step; -1: none yet.
  int64_t since_improvement = 0;  ///< Validations since the metric last improved.
  int64_t skipped_steps = 0;      ///< Steps whose update was skipped: loss or gradient not finite.
  int64_t consecutive_nonfinite_steps = 0;  ///< Skipped steps since the last finite one.

  friend bool operator==(const RunState&, const RunState&) = default;
};

/// Updates the state after a step. `ends_epoch`: it was the last step of its epoch.
void advance(RunState& state, bool ends_epoch, bool applied);

/// Updates the state after a validation. `value` is the metric; higher is better. Returns whether
/// it is the best so far: of equal values the one with lower loss is better, and values that are
/// not finite are never the best. Early stopping goes by the metric alone: a lower loss at the same
/// value is no improvement.
bool record_validation(RunState& state, double value, double loss);

/// The properties of a run that must be the same when it is resumed.
struct RunIdentity {
  std::string data_checksum = {};
  std::string validation_checksum = {};  ///< Of data.validation_split; empty: there is none.
  int64_t world_size = 0;                ///< Number of ranks. May change.
  std::vector<ConfigEntry> config = {};  ///< The whole effective configuration.

  friend bool operator==(const RunIdentity&, const RunIdentity&) = default;
};

OrderedJson to_json(const RunState& state, const RunIdentity& identity);

/// The inverse of to_json(). Both throw UserError for values that no run writes, naming the member
/// and `where`. Whether a setting may change is not part of the file.
RunState run_state_from_json(const Json& json, const std::string& where);
RunIdentity run_identity_from_json(const Json& json, const std::string& where);

/// Compares the run of a checkpoint with the current one. Returns a line for each change that is
/// allowed. Throws UserError with a line for each change that is not; it names the model in
/// `checkpoint`, from which another run can start.
std::vector<std::string> allowed_changes(const RunIdentity& saved, const RunIdentity& current,
                                         const std::filesystem::path& checkpoint);

}  // namespace s2i
