// How audio files were converted to the samples of a dataset.
#pragma once

#include "core/channel.h"
#include "data/sample_type.h"

namespace s2i {

struct AudioConversion {
  SampleType sample_type = SampleType::kInt16;  ///< kInt16: rounded to steps of 1/32768.
  ChannelChoice channel = {};                   ///< The channel of multi-channel files.

  bool operator==(const AudioConversion&) const = default;
};

}  // namespace s2i
