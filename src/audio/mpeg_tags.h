// Finds metadata tags before and after MPEG audio frames: ID3v1, ID3v2, APE and Lyrics3.
#pragma once

#include <cstdint>

#include "audio/file_window.h"

namespace s2i {

/// The size of the tag that starts at `offset`, 0 if there is none.
uint64_t tag_bytes_at(FileWindow& file, uint64_t offset);

/// The end of the audio: the start of all tags that end at `end`, at least `begin`.
uint64_t strip_end_tags(FileWindow& file, uint64_t begin, uint64_t end);

}  // namespace s2i
