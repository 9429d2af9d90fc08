// What a decoder gives the rest of the program: interleaved frames, one block after another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace s2i {

/// One open file and its decoder. A frame holds one sample of each channel.
class SampleSource {
 public:
  virtual ~SampleSource() = default;

  /// Decodes up to `frames` frames into `interleaved` [frames, channels], full scale at +-1.
  /// Returns fewer only at the end of the file or after an error.
  virtual size_t read(float* interleaved, size_t frames) = 0;

  /// What went wrong in read(); empty: nothing.
  virtual std::string error() const = 0;

  int sample_rate() const { return sample_rate_; }  ///< Hz
  int channels() const { return channels_; }

  /// How many frames the file holds. Not set where the header does not say, or only estimates.
  std::optional<uint64_t> frames() const { return frames_; }

 protected:
  int sample_rate_ = 0;
  int channels_ = 0;
  std::optional<uint64_t> frames_;
};

}  // namespace s2i
