// The interface of a decoder, which returns interleaved frames in blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace s2i {

/// One open file and its decoder. A frame has one sample per channel.
class SampleSource {
 public:
  virtual ~SampleSource() = default;

  /// Decodes up to `frames` frames into `interleaved` [frames, channels]; full scale is +-1.
  /// Returns fewer only at the end of the file or after an error.
  virtual size_t read(float* interleaved, size_t frames) = 0;

  /// The error of read(), or empty.
  virtual std::string error() const = 0;

  int sample_rate() const { return sample_rate_; }  ///< Hz
  int channels() const { return channels_; }

  /// Number of frames in the file. Not set if the header does not have it, or only an estimate.
  std::optional<uint64_t> frames() const { return frames_; }

 protected:
  int sample_rate_ = 0;
  int channels_ = 0;
  std::optional<uint64_t> frames_;
};

}  // namespace s2i
