// From a file name to samples at the rate a model wants: what preprocessing and prediction share.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "audio/decode.h"

namespace s2i {

/// Decodes and resamples file after file, with the same memory. One a thread.
class AudioLoader {
 public:
  AudioLoader(int target_rate, double max_seconds)
      : target_rate_(target_rate), max_seconds_(max_seconds) {}

  /// Mono samples at the target rate, valid until the next call. Throws AudioError.
  std::span<const float> load(const std::filesystem::path& path);

  /// Of the last file that was loaded.
  int source_rate() const { return clip_.sample_rate; }
  double decode_seconds() const { return decode_seconds_; }
  double resample_seconds() const { return resample_seconds_; }

 private:
  int target_rate_;
  double max_seconds_;
  AudioClip clip_;
  std::vector<float> resampled_;
  double decode_seconds_ = 0;
  double resample_seconds_ = 0;
};

/// One file as mono samples at `target_rate` Hz. Throws AudioError, also for a file that is longer
/// than `max_seconds`.
std::vector<float> load_audio(const std::filesystem::path& path, int target_rate,
                              double max_seconds);

}  // namespace s2i
