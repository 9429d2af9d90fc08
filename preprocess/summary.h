// What a run did, as JSON and as a few lines of the log.
#pragma once

#include <filesystem>

#include "core/json.h"
#include "preprocess/split_job.h"

namespace s2i {

/// One split: counts, hours, seconds of each stage, per intent and per speaker (from the finished
/// data set), every rejected row with its line, and the utterances that
/// are damaged, unusual, clipped or silent.
OrderedJson summarize_split(const CorpusSplit& split, const SplitResult& result,
                            const ShardSettings& settings, const std::filesystem::path& out);

/// Writes to a file, or to standard output for "-".
void write_summary(const OrderedJson& splits, const std::string& destination);

/// Lists rejected rows, each with its file and line: the first 20, and where all are; and says how
/// the split went.
void log_split(const CorpusSplit& split, const SplitResult& result, const ShardSettings& settings,
               const Portion& portion, const std::filesystem::path& out);

}  // namespace s2i
