// The error type for a single audio file, so that a caller can record bad files and continue.
#pragma once

#include <string>

#include "core/error.h"

namespace s2i {

enum class AudioProblem {
  kNotFound,       ///< No such file.
  kUnreadable,     ///< Exists but cannot be opened or read: permissions, a folder, a disk error.
  kNotAudio,       ///< Not a format that can be decoded.
  kDamaged,        ///< Truncated or corrupt. See DecodeOptions::accept_damaged.
  kEmpty,          ///< No samples.
  kNotFinite,      ///< A sample is NaN or infinite.
  kTooShort,       ///< Shorter than the caller's limit.
  kTooLong,        ///< Longer than the caller's limit.
  kNoSuchChannel,  ///< The file does not have the requested channel.
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
