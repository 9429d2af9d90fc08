// The content of a checkpoint: model/, a Hugging Face directory; the optimizer's state; the run's
// state; checksums of all files. Nothing is pickled. CheckpointStore (store.h) writes and lists
// checkpoints.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace s2i {

/// Checks a checkpoint against its checksums.json: files that are missing, added, truncated or
/// changed; links and special files; checksums.json itself, byte for byte. Returns one message per
/// problem, none for a valid checkpoint.
std::vector<std::string> checkpoint_problems(const std::filesystem::path& checkpoint);

/// The first of checkpoint_problems(), or "" for a valid checkpoint.
std::string check_checkpoint(const std::filesystem::path& checkpoint);

/// Writes checksums.json over all files of a folder. Throws RunError.
void write_checksums(const std::filesystem::path& folder);

}  // namespace s2i
