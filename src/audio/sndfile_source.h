// Decodes a file with libsndfile.
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
  int descriptor = -1;  ///< Not owned; must stay open while the source is used.
  uint64_t file_bytes = 0;
  bool truncate = false;  ///< Read only the first `file_bytes` of the file.
  std::vector<BytePatch> patches;
  std::optional<HeaderlessFormat> headerless;
};

/// Returns null if libsndfile does not know the format, and for MPEG audio, whose length it only
/// estimates.
/// Throws RunError if the process is out of file descriptors.
std::unique_ptr<SampleSource> open_sndfile_source(const SndfileRequest& request);

}  // namespace s2i
