// Processes one row: decode, resample, convert to the sample type of the shards, checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "audio/load.h"
#include "data/sample_type.h"
#include "preprocess/corpus.h"

namespace s2i {

struct ProcessedUtterance {
  std::string problem;  ///< Why the row is rejected; empty if it is valid.
  std::unique_ptr<std::byte[]> samples;
  size_t bytes = 0;
  uint64_t checksum = 0;     ///< XXH3-64 of the samples
  uint32_t source_rate = 0;  ///< Hz
  uint64_t clipped_samples = 0;
  double decode_seconds = 0;
  double resample_seconds = 0;
  double convert_seconds = 0;  ///< Conversion and checksum.

  std::span<const std::byte> view() const { return {samples.get(), bytes}; }
};

/// Use one per thread; reuses its buffers.
class UtteranceProcessor {
 public:
  UtteranceProcessor(int sample_rate, double max_seconds, SampleType type)
      : loader_(sample_rate, max_seconds), type_(type) {}

  /// Returns a bad row with its `problem`. Throws only for errors that are not specific to the row.
  ProcessedUtterance process(const CorpusRow& row);

 private:
  AudioLoader loader_;
  SampleType type_;
};

}  // namespace s2i
