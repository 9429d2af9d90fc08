// What is in a run's checkpoints, for a person or a script that asks: s2i-checkpoint.
#pragma once

#include <filesystem>
#include <vector>

#include "core/json.h"

namespace s2i {

/// The checkpoints that a path means: those of a run folder or of its checkpoints/, oldest first,
/// or the one it is. Throws UserError when it is none of these.
std::vector<std::filesystem::path> checkpoints_at(const std::filesystem::path& path);

/// An object a checkpoint: `path`, `step`, `epoch`, `whole`, `problems` (all of them), `bytes`,
/// `best` and `last` (the links of its run), `validation` (accuracy, f1_weighted, f1_macro and loss
/// as validation.jsonl has them, or null). Reads every byte.
OrderedJson describe_checkpoints(const std::vector<std::filesystem::path>& checkpoints);

/// `equal`; `settings` that differ ({key: [a, b]}, the data's checksums among them); `tensors` that
/// differ
/// ({name: largest absolute difference, or what else is different}). Throws UserError when one is
/// no checkpoint or is damaged.
OrderedJson compare_checkpoints(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace s2i
