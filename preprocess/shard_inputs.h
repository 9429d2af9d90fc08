// The inputs that determine the content of a shard. They are stored in its resume record, so that a
// resumed run or a merge can detect and report changes.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "audio/decode.h"
#include "data/sample_type.h"
#include "preprocess/corpus.h"

namespace s2i {

/// Rows [first, end) of a split, which form one shard.
struct RowRange {
  size_t first = 0;
  size_t end = 0;
};

/// Name -> value: versions, settings, a checksum of the rows, and a checksum of the sizes and
/// modification times of the audio files.
using ShardInputs = std::map<std::string, std::string>;

/// An input that affects only shards with damaged files or rejected rows; see check_existing_shard.
constexpr const char* kAcceptDamagedInput = "accept_damaged";

/// Calls stat() on every audio file of the rows.
ShardInputs shard_inputs(const CorpusSplit& split, RowRange rows, int sample_rate,
                         SampleType sample_type, double min_seconds, const DecodeOptions& decode);

/// Describes the differences, e.g. "sample_rate 8000 instead of 16000". Empty if there are none.
std::string describe_differences(const ShardInputs& recorded, const ShardInputs& current);

}  // namespace s2i
