// Lists, verifies and compares checkpoints: for s2i-checkpoint.
#pragma once

#include <filesystem>
#include <vector>

#include "core/json.h"

namespace s2i {

/// The checkpoints at a path: those of a run folder or of its checkpoints/, oldest first, or the
/// path itself. Throws UserError when it is none of these.
std::vector<std::filesystem::path> checkpoints_at(const std::filesystem::path& path);

/// One object per checkpoint: `path`, `step`, `epoch`, `valid`, `problems`, `bytes`, `best` and
/// `last` (whether these links of its run point at it), `validation` (the metrics in
/// validation.jsonl, or null). Reads every byte.
OrderedJson describe_checkpoints(const std::vector<std::filesystem::path>& checkpoints);

/// `equal`; `settings` that differ ({key: [a, b]}, including the data's checksums); `tensors` that
/// differ ({name: largest absolute difference, or another difference as text}). Throws UserError
/// when one of them is not a valid checkpoint.
OrderedJson compare_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace s2i
