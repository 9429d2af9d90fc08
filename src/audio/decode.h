// Audio files of any format, rate and channel count that libsndfile reads, as mono float samples.
#pragma once

#include <filesystem>
#include <vector>

#include "audio/audio_error.h"

namespace s2i {

/// One channel of samples, full scale at +-1.
struct AudioClip {
  std::vector<float> samples;
  int sample_rate = 0;  ///< Hz
};

/// Decodes a whole file and takes the mean of its channels. Memory is bounded by `max_seconds`, not
/// by what the file's header claims. `clip` is overwritten; its memory is used again, which makes
/// decoding many short files faster. Throws AudioError, never a clip that is empty, cut short, or
/// not finite.
void decode_audio(const std::filesystem::path& path, double max_seconds, AudioClip& clip);

}  // namespace s2i
