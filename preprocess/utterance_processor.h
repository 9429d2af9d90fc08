// Processes one row: decode, resample, convert to the sample type of the shards, checksum.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "audio/load.h"
#include "data/sample_type.h"
#include "preprocess/corpus.h"
#include "preprocess/utterance_notes.h"

namespace s2i {

struct ProcessedUtterance {
  /// Why the row is rejected, in one line of valid UTF-8; empty if it is valid.
  std::string problem;
  std::unique_ptr<std::byte[]> samples;
  size_t bytes = 0;
  uint64_t checksum = 0;     ///< XXH3-64 of the samples
  uint32_t source_rate = 0;  ///< Hz
  uint64_t clipped_samples = 0;
  bool is_silent = false;            ///< No sample exceeds one step of int16.
  std::vector<UtteranceNote> notes;  ///< `row` is not set.
  double decode_seconds = 0;
  double resample_seconds = 0;
  double convert_seconds = 0;  ///< Conversion and checksum.

  std::span<const std::byte> view() const { return {samples.get(), bytes}; }
};

/// Use one per thread; reuses its buffers.
class UtteranceProcessor {
 public:
  UtteranceProcessor(int sample_rate, double min_seconds, const DecodeOptions& decode,
                     SampleType type)
      : loader_(sample_rate, decode),
        sample_rate_(sample_rate),
        min_seconds_(min_seconds),
        is_mean_(decode.channel.is_mean()),
        type_(type) {}

  /// Returns a bad row with its `problem`. Throws only for errors that are not specific to the row.
  ProcessedUtterance process(const CorpusRow& row);

 private:
  /// Decodes and resamples the audio of a row. Throws AudioError.
  std::span<const float> load(const CorpusRow& row);

  /// Adds the notes about the most recently loaded file.
  void add_notes(ProcessedUtterance& utterance) const;

  AudioLoader loader_;
  int sample_rate_;  ///< Hz
  double min_seconds_;
  bool is_mean_;
  SampleType type_;
};

}  // namespace s2i
