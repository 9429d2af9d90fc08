// What can be wrong with one audio file, typed, so that a caller can list the bad ones and go on.
#pragma once

#include <string>

#include "core/error.h"

namespace s2i {

enum class AudioProblem {
  kNotFound,    ///< No such file.
  kUnreadable,  ///< It is there, but cannot be opened or read: permission, a folder, a disk error.
  kNotAudio,    ///< Not a format that can be decoded.
  kDamaged,     ///< Cut off, or damaged inside; DecodeOptions::accept_damaged may help.
  kEmpty,       ///< No samples.
  kNotFinite,   ///< A sample is NaN or infinite.
  kTooLong,     ///< Longer than the caller's limit.
  kNoSuchChannel,  ///< The file does not have the channel that was asked for.
};

/// The message names the file.
class AudioError : public UserError {
 public:
  AudioError(AudioProblem problem, const std::string& message)
      : UserError(message), problem_(problem) {}

  AudioProblem problem() const { return problem_; }

 private:
  AudioProblem problem_;
};

}  // namespace s2i
