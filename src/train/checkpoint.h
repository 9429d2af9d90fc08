// Checkpoints: a folder a step, written beside, checksummed, fsynced and renamed; the rename is the
// commit. model/ is a Hugging Face directory as it stands; nothing is pickled.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "model/wavlm.h"

namespace s2i {

/// Where a run is: all that a resume needs beside the weights and the optimiser's state. No state
/// of a random generator: every draw is a function of (seed, step, utterance).
struct TrainerState {
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
};

/// What must be the same for a resume to be the same run.
struct RunIdentity {
  std::string data_checksum;
  std::vector<std::pair<std::string, std::string>> config;  ///< The whole effective configuration.
};

OrderedJson to_json(const TrainerState& state, const RunIdentity& identity);
TrainerState trainer_state_from_json(const Json& json, const std::string& where);
RunIdentity run_identity_from_json(const Json& json, const std::string& where);

/// Compares the configuration of a checkpoint with the one to go on with. Returns the lines of what
/// changed and may; throws UserError with the lines of what changed and may not.
std::vector<std::string> check_resumable(const RunIdentity& saved, const RunIdentity& wanted);

class CheckpointStore {
 public:
  /// The checkpoints of `run_dir`; makes run_dir/checkpoints. Throws UserError.
  explicit CheckpointStore(const std::filesystem::path& run_dir);

  /// Writes one: `write_content` fills the folder it is given; then checksums.json, fsync, rename.
  /// Points `last` at it, and `best` if `is_best`. Throws RunError; nothing that looks whole is
  /// left.
  std::filesystem::path save(
      int64_t step, bool is_best,
      const std::function<void(const std::filesystem::path&)>& write_content);

  /// Points `best` at an existing checkpoint.
  void mark_best(int64_t step);

  /// Removes all but the newest `keep` and the best.
  void prune(int64_t keep);

  /// The newest that checks out; damaged ones are named in the log and passed over, never deleted.
  std::optional<std::filesystem::path> newest_whole() const;

  /// All checkpoint folders, oldest first, whole or not.
  std::vector<std::filesystem::path> list() const;

  std::filesystem::path best() const { return run_dir_ / "best"; }
  std::filesystem::path last() const { return run_dir_ / "last"; }

 private:
  void point(const std::filesystem::path& link, int64_t step) const;

  std::filesystem::path run_dir_;
  std::filesystem::path dir_;
};

/// Restores every parameter from a file that save_pretrained wrote for the same model. Throws
/// UserError naming a missing or misshapen tensor.
void load_parameters(WavLMForIntent& model, const std::filesystem::path& safetensors);

/// Checks every file of a checkpoint against checksums.json: missing, added, cut short, changed.
/// Returns "" if it is whole, else what is wrong.
std::string check_checkpoint(const std::filesystem::path& checkpoint);

}  // namespace s2i
