// What the headers of a file say about its length. libsndfile shortens most files whose data was
// cut off without a word; a corpus should not lose speech that way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/byte_patch.h"
#include "audio/file_window.h"

namespace s2i {

struct ContainerCheck {
  std::optional<std::string> damage;       ///< A clause: the header and the file's length disagree.
  std::optional<std::string> warning;      ///< A clause: bytes that are not read.
  std::optional<std::string> unsupported;  ///< A clause: nothing reads all of this file.
  std::vector<BytePatch> patches;          ///< With these libsndfile reads all that is there.
};

/// Checks WAV, RF64, W64, AIFF, 8SVX, AU, CAF, NIST SPHERE, VOC, AVR, WVE and Ogg. Nothing is found
/// where the header leaves the length open (as programs that write to a pipe do), where it has no
/// length (IRCAM, PAF, PVF), or where the decoder reports missing frames itself (FLAC, HTK).
ContainerCheck check_container(FileWindow& file);

}  // namespace s2i
