// Everything that the bytes of a shard depend on, in words: kept with each finished shard, so that
// a later run, or the merge of parts that ran elsewhere, knows whether it would make the same, and
// what is different if not.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "audio/decode.h"
#include "data/sample_type.h"
#include "preprocess/corpus.h"

namespace s2i {

/// Rows [first, end) of a split: one shard's.
struct RowRange {
  size_t first = 0;
  size_t end = 0;
};

/// Name -> value: versions, settings, and checksums of the rows and of the size and time of each
/// audio file.
using ShardInputs = std::map<std::string, std::string>;

/// The one that matters only to some shards, see find_shard.
constexpr const char* kAcceptDamagedInput = "accept_damaged";

/// Asks the file system for every audio file of the rows.
ShardInputs shard_inputs(const CorpusSplit& split, RowRange rows, int sample_rate,
                         SampleType sample_type, const DecodeOptions& decode);

/// What is different, e.g. "sample_rate 8000, here 16000"; empty: nothing.
std::string differences(const ShardInputs& theirs, const ShardInputs& ours);

}  // namespace s2i
