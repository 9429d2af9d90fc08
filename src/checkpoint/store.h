// The checkpoints of a run on disk, one folder per step. A checkpoint is written to a temporary
// folder, checksummed, flushed with fsync and renamed; the rename commits it. If the process ends
// at any time, the next start finds the previous checkpoint or the new one, complete.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

/// Which checkpoints are kept. The best one always is.
struct Retention {
  /// This many of the latest valid checkpoints. One that was saved during non-finite steps does not
  /// count, because its weights may be the cause.
  int64_t keep = 2;
  int64_t every_steps = 0;  ///< Also those whose step is a multiple of this; 0: none.
};

class CheckpointStore {
 public:
  /// Creates run_dir/checkpoints if it does not exist. Throws UserError.
  explicit CheckpointStore(const std::filesystem::path& run_dir);

  /// Completes what an interrupted process left: restores a checkpoint that was being replaced, and
  /// removes one that was being written or deleted. No other process may write to the folder.
  /// Throws RunError.
  void recover() const;

  /// Writes a checkpoint and returns its folder. `write_content` writes the files to the folder it
  /// is given. Sets the link `last`, and `best` if `is_best`. Throws RunError; the failed
  /// checkpoint is then not taken for a valid one.
  std::filesystem::path save(
      int64_t step, bool is_best,
      const std::function<void(const std::filesystem::path&)>& write_content);

  /// Set the link `best` or `last` to an existing checkpoint. Throw RunError.
  void mark_best(int64_t step) const;
  void mark_last(int64_t step) const;

  /// Renames the valid checkpoints after `step` to superseded-step-..., for a run that resumes from
  /// an earlier one. Existing folders are not replaced. Throws RunError.
  void set_aside_after(int64_t step) const;

  /// Removes the checkpoints that `retention` does not keep. Logs a warning if one cannot be
  /// removed.
  void prune(const Retention& retention);

  /// Returns the latest valid checkpoint. Logs a warning for each later one, which is corrupt.
  std::optional<std::filesystem::path> latest_valid() const;

  /// All checkpoint folders, valid or not, in ascending order of their steps.
  std::vector<std::filesystem::path> list() const;

  std::filesystem::path at(int64_t step) const;
  std::filesystem::path best() const { return run_dir_ / "best"; }
  std::filesystem::path last() const { return run_dir_ / "last"; }

 private:
  void point(const std::filesystem::path& link, int64_t step) const;
  void remove(const std::filesystem::path& checkpoint) const;
  bool is_valid(const std::filesystem::path& checkpoint);

  std::filesystem::path run_dir_;
  std::filesystem::path dir_;
  /// Checkpoints that were found valid, with the sizes and times of their files at that time, so
  /// that they are not read again.
  std::map<std::filesystem::path, std::string> known_valid_;
};

/// The checkpoint folders in a run's checkpoints/, valid or not, in ascending order of their steps.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& checkpoints);

/// Flushes the folder `temporary` and renames it to `path`. An existing folder `path` is first
/// renamed to `replaced` and finally deleted, so that a complete folder exists at any time. Throws
/// RunError; `path` is then unchanged.
void put_in_place(const std::filesystem::path& temporary, const std::filesystem::path& path,
                  const std::filesystem::path& replaced);

/// The step in the name of a checkpoint folder; -1 if the name is not that of a checkpoint.
int64_t step_of(const std::filesystem::path& checkpoint);

}  // namespace s2i
