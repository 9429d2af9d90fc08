// The checkpoints of a run on disk: a folder a step, written beside, checksummed, fsynced and
// renamed; the rename is the commit. Whatever ends the process, and whenever, the next start finds
// the one before or the new one, whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

/// Which checkpoints stay. The best stays always.
struct Retention {
  /// The newest whole ones. A damaged one does not count, nor one of a run that was stopped amid
  /// steps that were not finite: its weights may be what is bad.
  int64_t keep = 2;
  int64_t every_steps = 0;  ///< And those whose step is a multiple of this; 0: none.
};

class CheckpointStore {
 public:
  /// The checkpoints of `run_dir`; makes run_dir/checkpoints. Throws UserError.
  explicit CheckpointStore(const std::filesystem::path& run_dir);

  /// Tidies what an earlier process left half done: puts back a checkpoint that was being replaced,
  /// removes parts of one that was being written or deleted. Only when no other process writes
  /// here. Throws RunError.
  void recover() const;

  /// Writes one: `write_content` fills the folder it is given; then checksums.json, fsync, rename.
  /// Points `last` at it, and `best` if `is_best`. Throws RunError; nothing that looks whole is
  /// left.
  std::filesystem::path save(
      int64_t step, bool is_best,
      const std::function<void(const std::filesystem::path&)>& write_content);

  /// Point `best` or `last` at an existing checkpoint. Throw RunError.
  void mark_best(int64_t step) const;
  void mark_last(int64_t step) const;

  /// Takes whole checkpoints newer than `step` out of the way (superseded-step-..., never over one
  /// that is there), for a run that goes on from an earlier one. Throws RunError.
  void set_aside_after(int64_t step) const;

  /// Removes what `retention` does not ask for, and never so much that fewer whole ones are left
  /// than it asks for. One that cannot be removed is named in the log.
  void prune(const Retention& retention);

  /// The newest that checks out; damaged ones are named in the log and passed over.
  std::optional<std::filesystem::path> latest_valid() const;

  /// All checkpoint folders, oldest first, whole or not.
  std::vector<std::filesystem::path> list() const;

  std::filesystem::path at(int64_t step) const;
  std::filesystem::path best() const { return run_dir_ / "best"; }
  std::filesystem::path last() const { return run_dir_ / "last"; }

 private:
  void point(const std::filesystem::path& link, int64_t step) const;
  void remove(const std::filesystem::path& checkpoint) const;
  bool is_whole(const std::filesystem::path& checkpoint);

  std::filesystem::path run_dir_;
  std::filesystem::path dir_;
  /// What was found whole, as it was then (sizes and times of its files): not read again.
  std::map<std::filesystem::path, std::string> seen_whole_;
};

/// The checkpoint folders in a run's checkpoints/, oldest first, whole or not.
std::vector<std::filesystem::path> list_checkpoints(const std::filesystem::path& checkpoints);

/// Flushes what was written to `temporary` and makes it `path`. What was there before is set aside
/// under the name `replaced`, so that at every moment one of the two is whole, and then deleted.
/// Throws RunError; `path` is then as it was.
void put_in_place(const std::filesystem::path& temporary, const std::filesystem::path& path,
                  const std::filesystem::path& replaced);

/// The step in a checkpoint folder's name; -1 if it is not one.
int64_t step_of(const std::filesystem::path& checkpoint);

}  // namespace s2i
