// Reports the result of a run as JSON and in the log.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "preprocess/split_preprocessor.h"

namespace s2i {

/// The summary of one split: counts, hours, seconds per stage, totals per intent and per speaker
/// (from the finished dataset), every rejected row with its line number, and the damaged, unusual,
/// clipped and silent utterances.
OrderedJson summarize_split(const CorpusSplit& split, const SplitResult& result,
                            const ShardSettings& settings, const std::filesystem::path& out);

/// Writes to a file, or to standard output for "-".
void write_summary(const OrderedJson& splits, const std::string& destination);

/// Logs the first 20 rejected rows with file and line, and the result of the split.
void log_split(const CorpusSplit& split, const SplitResult& result, const ShardSettings& settings,
               const PartSelection& selection, const std::filesystem::path& out);

}  // namespace s2i
