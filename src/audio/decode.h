// Decodes audio files of any format, sample rate and channel count that libsndfile supports to mono
// float samples.
#pragma once

#include <filesystem>
#include <vector>

#include "audio/audio_error.h"

namespace s2i {

/// Mono samples; full scale is +-1.
struct AudioClip {
  std::vector<float> samples;
  int sample_rate = 0;  ///< Hz
};

/// Decodes a file and averages its channels. Memory is bounded by `max_seconds`, not by the length
/// in the file's header. Overwrites `clip` and reuses its memory, which speeds up decoding many
/// short files. Throws AudioError if the audio is missing, empty, truncated, too long or not
/// finite.
void decode_audio(const std::filesystem::path& path, double max_seconds, AudioClip& clip);

}  // namespace s2i
