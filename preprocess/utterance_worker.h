// What one thread does with one row: decode, resample, convert to the shards' type, checksum.
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

struct PreparedUtterance {
  std::string problem;  ///< Why the row is rejected; empty: it is good.
  std::unique_ptr<std::byte[]> samples;
  size_t bytes = 0;
  uint64_t checksum = 0;     ///< XXH3-64 of the samples
  uint32_t source_rate = 0;  ///< Hz
  uint64_t clipped_samples = 0;
  bool is_silent = false;            ///< All samples are zero.
  std::vector<UtteranceNote> notes;  ///< Without their row.
  double decode_seconds = 0;
  double resample_seconds = 0;
  double convert_seconds = 0;  ///< Conversion and checksum.

  std::span<const std::byte> view() const { return {samples.get(), bytes}; }
};

/// One a thread; keeps memory from row to row.
class UtteranceWorker {
 public:
  UtteranceWorker(int sample_rate, const DecodeOptions& decode, SampleType type)
      : loader_(sample_rate, decode), is_mean_(decode.channel.is_mean()), type_(type) {}

  /// A bad row comes back with its problem; throws only what has nothing to do with the row.
  PreparedUtterance prepare(const CorpusRow& row);

 private:
  /// Adds what is remarkable about the last file that was loaded.
  void add_notes(PreparedUtterance& utterance) const;

  AudioLoader loader_;
  bool is_mean_;
  SampleType type_;
};

}  // namespace s2i
