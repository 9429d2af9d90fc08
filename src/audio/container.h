// How long a file says it is. libsndfile quietly shortens a WAV, AIFF or AU whose data was cut off,
// and an Ogg stream without its last page; a corpus should not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace s2i {

/// Whether the open file is shorter than its own header says: then a sentence about it. Nothing
/// when it is whole, when the header leaves the length open (as programs that write to a pipe do),
/// or for a container whose decoder reports missing frames itself (FLAC, MP3). Moves no file
/// position.
std::optional<std::string> describe_truncation(int descriptor, uint64_t file_bytes);

}  // namespace s2i
