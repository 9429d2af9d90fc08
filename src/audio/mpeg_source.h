// MPEG audio (MP3, also Layer I and II) decoded by libmpg123.
#pragma once

#include <memory>

#include "audio/mpeg_stream.h"
#include "audio/sample_source.h"

namespace s2i {

/// Decodes every frame of the stream, whatever counts its headers state; `stream.format` is set.
/// libmpg123 prints nothing. Throws RunError if it cannot start.
std::unique_ptr<SampleSource> open_mpeg_source(MpegStream stream);

}  // namespace s2i
