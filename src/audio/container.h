// Compares the length in the headers of a file with its contents. libsndfile silently accepts most
// truncated files; preprocessing must report them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "audio/byte_patch.h"
#include "audio/file_window.h"

namespace s2i {

struct ContainerCheck {
  std::optional<std::string> damage;       ///< Description of a mismatch of header and contents.
  std::optional<std::string> warning;      ///< Description of bytes that are ignored.
  std::optional<std::string> unsupported;  ///< Why no decoder can read the complete file.
  std::vector<BytePatch> patches;  ///< Header corrections with which libsndfile reads all samples.
};

/// Checks WAV, RF64, W64, AIFF, 8SVX, AU, CAF, NIST SPHERE, VOC, AVR, WVE and Ogg. Finds nothing if
/// the header gives no length (files written to a pipe; IRCAM, PAF, PVF) or if the decoder reports
/// missing frames itself (FLAC, HTK).
ContainerCheck check_container(FileWindow& file);

}  // namespace s2i
