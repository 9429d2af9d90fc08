// Detects truncated audio files. libsndfile silently accepts WAV, AIFF and AU files with missing
// data and Ogg streams without their last page; preprocessing must reject them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace s2i {

/// Returns a description if the open file is shorter than its header declares. Returns nothing if
/// it is complete, if the header does not give a length (files written to a pipe), or if the
/// decoder of the container reports missing frames itself (FLAC, MP3). Does not change the file
/// position.
std::optional<std::string> describe_truncation(int descriptor, uint64_t file_bytes);

}  // namespace s2i
