// The error type for a single audio file, so that a caller can record bad files and continue.
#pragma once

#include <string>

#include "core/error.h"

namespace s2i {

enum class AudioProblem {
  kNotFound,    ///< No such file.
  kUnreadable,  ///< Exists but cannot be opened or read: permissions, a folder, a disk error.
  kNotAudio,    ///< Not a format that libsndfile reads, or corrupt.
  kTruncated,   ///< Shorter than its header declares.
  kEmpty,       ///< No samples.
  kNotFinite,   ///< A sample is NaN or infinite.
  kTooLong,     ///< Longer than the caller's limit.
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
