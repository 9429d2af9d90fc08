// From a file name to samples at the rate a model wants: what preprocessing and prediction share.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "audio/decode.h"

namespace s2i {

/// Decodes and resamples file after file, with the same memory. One a thread.
class AudioLoader {
 public:
  AudioLoader(int target_rate, const DecodeOptions& options)
      : target_rate_(target_rate), options_(options) {}

  /// Mono samples at the target rate, valid until the next call. Throws AudioError.
  std::span<const float> load(const std::filesystem::path& path);

  /// Of the last file that was loaded.
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

/// One file as mono samples at `target_rate` Hz. Throws AudioError.
std::vector<float> load_audio(const std::filesystem::path& path, int target_rate,
                              const DecodeOptions& options);

}  // namespace s2i
