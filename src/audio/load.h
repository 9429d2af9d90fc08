// Loads an audio file at the model's sample rate. Used by preprocessing and prediction.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audio/decode.h"

namespace s2i {

/// Decodes and resamples files one after another and reuses its buffers. Use one per thread.
class AudioLoader {
 public:
  AudioLoader(int target_rate, const DecodeOptions& options)
      : target_rate_(target_rate), options_(options) {}

  /// Mono samples at the target rate, valid until the next call. Throws AudioError.
  std::span<const float> load(const std::filesystem::path& path);

  /// Values for the most recently loaded file.
  int source_rate() const { return clip_.sample_rate; }
  int source_channels() const { return clip_.channels; }
  const std::string& damage() const { return clip_.damage; }    ///< See AudioClip.
  const std::string& warning() const { return clip_.warning; }  ///< See AudioClip.
  double decode_seconds() const { return decode_seconds_; }
  double resample_seconds() const { return resample_seconds_; }

 private:
  int target_rate_;
  DecodeOptions options_;
  AudioClip clip_;
  std::vector<float> resampled_;
  double decode_seconds_ = 0;
  double resample_seconds_ = 0;
};

/// Loads one file as mono samples at `target_rate` Hz. Throws AudioError.
std::vector<float> load_audio(const std::filesystem::path& path, int target_rate,
                              const DecodeOptions& options);

}  // namespace s2i
