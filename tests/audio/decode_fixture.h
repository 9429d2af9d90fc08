// Fixture of the decoder tests: a temporary folder, and the samples or the error of a file.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>

#include "audio/audio_files.h"
#include "audio/decode.h"
#include "temporary_folder.h"

namespace s2i {

constexpr int kWav16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr double kNoLimit = 60;

class Decode : public testing::Test {
 protected:
  std::filesystem::path file(const std::string& name) const { return folder_.path() / name; }

  static AudioClip decode(const std::filesystem::path& path, double max_seconds = kNoLimit) {
    return decode(path, DecodeOptions{.max_seconds = max_seconds});
  }
  static AudioClip decode(const std::filesystem::path& path, const DecodeOptions& options) {
    AudioClip clip;
    decode_audio(path, options, clip);
    return clip;
  }

  /// Decodes the readable part of a damaged file.
  static AudioClip decode_damaged(const std::filesystem::path& path) {
    return decode(path, DecodeOptions{.max_seconds = kNoLimit, .accept_damaged = true});
  }

  /// Returns the problem and message of the expected AudioError.
  static std::pair<AudioProblem, std::string> problem(const std::filesystem::path& path,
                                                      double max_seconds = kNoLimit) {
    return problem(path, DecodeOptions{.max_seconds = max_seconds});
  }
  static std::pair<AudioProblem, std::string> problem(const std::filesystem::path& path,
                                                      const DecodeOptions& options) {
    try {
      decode(path, options);
    } catch (const AudioError& error) {
      return {error.problem(), error.what()};
    }
    ADD_FAILURE() << path << " was decoded";
    return {};
  }

  /// Copies the first `fraction` of a file to a new file.
  std::filesystem::path truncated(const std::filesystem::path& complete, double fraction) const {
    const std::string bytes = read_bytes(complete);
    const auto path = file("truncated" + complete.extension().string());
    write_bytes(path,
                bytes.substr(0, static_cast<size_t>(fraction * static_cast<double>(bytes.size()))));
    return path;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace s2i
