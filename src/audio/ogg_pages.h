// Checks the pages of an Ogg file (RFC 3533). libsndfile silently skips missing and corrupt pages
// and reads only the first of several concatenated streams.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "audio/byte_patch.h"
#include "audio/file_window.h"

namespace s2i {

struct OggCheck {
  std::optional<std::string> damage;   ///< Description of a missing, truncated or corrupt page.
  std::optional<std::string> warning;  ///< Missing end-of-stream flag, or extra bytes at the end.
  /// Sets a missing end-of-stream flag. Without it libsndfile 1.2.0 loses the last packet of Opus
  /// (227 of 48,123 samples, 53 of 16,001).
  std::vector<BytePatch> patches;
  bool concatenated = false;  ///< A second stream follows the end of the first.
};

/// Reads the complete file, which must start with a page.
OggCheck check_ogg_pages(FileWindow& file);

}  // namespace s2i
