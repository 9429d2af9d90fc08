// Finds the frames of an MPEG audio stream (MP3, also Layer I and II) and says where they are
// damaged. Frames are counted one by one: the counts in headers are estimates or missing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/file_window.h"
#include "audio/mpeg_header.h"

namespace s2i {

/// Bytes [begin, end) of a file.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;
};

/// Where the MPEG stream is in a file that starts with one, perhaps after tags, or that is a WAV
/// with MPEG audio in it (format tags 0x50 and 0x55). Nothing if the file is something else.
std::optional<ByteRange> find_mpeg_stream(FileWindow& file);

/// The same for a file that starts with other bytes, as a stream recorded from the middle of a
/// frame does: looks for four frames in a row in its first 64 KiB.
std::optional<ByteRange> search_mpeg_stream(FileWindow& file);

/// Whether the file, behind its tags, starts with the sync bits of an MPEG frame, valid or not.
bool starts_like_mpeg(FileWindow& file);

/// The frames of a stream. Delay and padding follow FFmpeg: with a LAME, Lavf or Lavc tag, its
/// encoder delay + 529 samples of decoder delay are skipped at the start and its padding - 529
/// dropped at the end (only if the file holds the number of frames that the tag states, which a
/// concatenated file does not). A Xing, Info or VBRI frame at the start is no audio. Without a tag
/// every sample is kept.
struct MpegStream {
  std::optional<MpegHeader> format;   ///< Not set: no frame was found.
  std::vector<unsigned char> frames;  ///< The bytes of the audio frames, end to end.
  uint64_t frame_count = 0;
  uint64_t skipped_start = 0;  ///< Samples of each channel.
  uint64_t dropped_end = 0;
  bool complete = true;                ///< False: longer than `max_seconds`, the rest was not read.
  bool channels_change = false;        ///< The rest was not read.
  std::optional<std::string> damage;   ///< A clause about what is missing or no frame.
  std::optional<std::string> warning;  ///< A clause about what was skipped without loss.
};

/// Memory: the frames of `max_seconds`, at most 448 kbit/s.
MpegStream read_mpeg_stream(FileWindow& file, ByteRange range, double max_seconds);

}  // namespace s2i
