// Decodes MPEG audio (MP3, also Layer I and II) with libmpg123.
#pragma once

#include <memory>

#include "audio/mpeg_stream.h"
#include "audio/sample_source.h"

namespace s2i {

/// Decodes every frame of the stream. `stream.format` must be set. libmpg123 does not print
/// messages. Throws RunError if libmpg123 cannot be initialized.
std::unique_ptr<SampleSource> open_mpeg_source(MpegStream stream);

}  // namespace s2i
