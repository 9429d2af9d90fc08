// Whether an Ogg file is whole, page by page (RFC 3533): libsndfile skips missing and damaged pages
// without a word and reads only the first of concatenated streams.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audio/byte_patch.h"
#include "audio/file_window.h"

namespace s2i {

struct OggCheck {
  std::optional<std::string> damage;   ///< A clause: a page is missing, cut off or damaged.
  std::optional<std::string> warning;  ///< A clause: the end is not marked, or extra bytes follow.
  /// Set the flag where the end is not marked: libsndfile 1.2.0 loses the last packet of Opus there
  /// (227 of 48,123 samples, 53 of 16,001).
  std::vector<BytePatch> patches;
  bool concatenated = false;  ///< A second stream follows the end of the first.
};

/// Reads the whole file, which starts with a page.
OggCheck check_ogg_pages(FileWindow& file);

}  // namespace s2i
