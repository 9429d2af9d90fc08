// Tags around MPEG audio frames: ID3v1, ID3v2, APE and Lyrics3, which are no audio.
#pragma once

#include <cstdint>

#include "audio/file_window.h"

namespace s2i {

/// The length of the tag that starts at `offset`; 0: none does.
uint64_t tag_bytes_at(FileWindow& file, uint64_t offset);

/// Where the audio ends in front of all tags that end at `end`; not before `begin`.
uint64_t strip_end_tags(FileWindow& file, uint64_t begin, uint64_t end);

}  // namespace s2i
