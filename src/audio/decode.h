// Audio files of any format, rate and channel count that libsndfile and libmpg123 read, as mono
// float samples.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "audio/audio_error.h"
#include "audio/channel.h"

namespace s2i {

struct DecodeOptions {
  double max_seconds = 30;  ///< A longer file is refused.
  ChannelChoice channel = {};
  /// Read what is there of a file that is cut off or damaged, which is refused otherwise.
  bool accept_damaged = false;
};

/// One channel of samples, full scale at +-1.
struct AudioClip {
  std::vector<float> samples;
  int sample_rate = 0;  ///< Hz
  int channels = 0;     ///< Of the file.
  std::string damage;   ///< What is wrong and how much was read; empty: nothing.
  std::string warning;  ///< About a file that was read although something in it is odd; or empty.
};

/// Decodes a whole file to the chosen channel or the mean of all. Memory is bounded by
/// `max_seconds`, not by what the file's header claims. `clip` is overwritten; its memory is used
/// again, which makes decoding many short files faster. Throws AudioError, never a clip that is
/// empty or not finite, nor one that is cut short without `damage` saying so.
void decode_audio(const std::filesystem::path& path, const DecodeOptions& options, AudioClip& clip);

}  // namespace s2i
