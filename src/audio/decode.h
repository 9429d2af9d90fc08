// Decodes audio files of any format, sample rate and channel count that libsndfile and libmpg123
// support to mono float samples.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "audio/audio_error.h"
#include "core/channel.h"

namespace s2i {

struct DecodeOptions {
  double max_seconds = 30;  ///< A longer file is an error.
  ChannelChoice channel = {};
  /// Return the readable part of a truncated or corrupt file instead of an error.
  bool accept_damaged = false;
};

/// Mono samples; full scale is +-1.
struct AudioClip {
  std::vector<float> samples;
  int sample_rate = 0;  ///< Hz
  int channels = 0;     ///< Channels of the file.
  std::string damage;   ///< The damage and the number of frames read; empty if there is none.
  std::string warning;  ///< About a deviation from the format that loses no samples; or empty.
};

/// Decodes a file to one of its channels or their mean. Memory is bounded by `max_seconds`, not by
/// the length in the file's header. Overwrites `clip` and reuses its memory, which speeds up
/// decoding many short files. Throws AudioError if the audio is missing, empty, truncated, corrupt,
/// too long or not finite.
void decode_audio(const std::filesystem::path& path, const DecodeOptions& options, AudioClip& clip);

}  // namespace s2i
