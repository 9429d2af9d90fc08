// The audio of utterances from the shards of a run, as text that a page can hold.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "data/dataset.h"
#include "report/run_folder.h"

namespace s2i {

/// A WAV file (16 bits, one channel) as a data URI.
std::string wav_data_uri(std::span<const float> samples, uint32_t sample_rate);

/// RFC 4648, with padding.
std::string base64(std::span<const std::byte> bytes);

class AudioClips {
 public:
  /// `data_dir`: the folder of s2i-preprocess; empty: data.dir of each run.
  explicit AudioClips(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}

  /// The audio of an utterance of the run's test split. Throws UserError if the shards are not
  /// there or are not those that the run was evaluated on.
  std::string of(const RunFolder& run, const PredictedUtterance& one);

 private:
  struct Split {
    Dataset dataset;
    std::map<std::string, size_t> index;  ///< By id.
  };

  const Split& split_of(const RunFolder& run);

  std::filesystem::path data_dir_;
  std::map<std::filesystem::path, std::unique_ptr<Split>> splits_;
};

}  // namespace s2i
