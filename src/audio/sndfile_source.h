// Files that libsndfile decodes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "audio/byte_patch.h"
#include "audio/headerless.h"
#include "audio/sample_source.h"

namespace s2i {

struct SndfileRequest {
  int descriptor = -1;      ///< Stays the caller's, and has to stay open while the source is read.
  uint64_t file_bytes = 0;  ///< What follows in the file is not read if it is `cut`.
  bool cut = false;
  std::vector<BytePatch> patches;
  std::optional<HeaderlessFormat> headerless;
};

/// Null if libsndfile does not know the format, and for MPEG audio, whose length it estimates.
/// Throws RunError if the process is out of file descriptors.
std::unique_ptr<SampleSource> open_sndfile_source(const SndfileRequest& request);

}  // namespace s2i
