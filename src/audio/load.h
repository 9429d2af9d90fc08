// Loads an audio file at the model's sample rate. Used by preprocessing and prediction.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "audio/decode.h"

namespace s2i {

/// Decodes and resamples files one after another and reuses its buffers. Use one per thread.
class AudioLoader {
 public:
  AudioLoader(int target_rate, double max_seconds)
      : target_rate_(target_rate), max_seconds_(max_seconds) {}

  /// Mono samples at the target rate, valid until the next call. Throws AudioError.
  std::span<const float> load(const std::filesystem::path& path);

  /// Values for the most recently loaded file.
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

/// Loads one file as mono samples at `target_rate` Hz. Throws AudioError, also if the file is
/// longer than `max_seconds`.
std::vector<float> load_audio(const std::filesystem::path& path, int target_rate,
                              double max_seconds);

}  // namespace s2i
