// What the tests of decoding share: a folder for files, and a file's samples or what is wrong with
// it.
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

  /// What is there of a damaged file.
  static AudioClip decode_damaged(const std::filesystem::path& path) {
    return decode(path, DecodeOptions{.max_seconds = kNoLimit, .accept_damaged = true});
  }

  /// The problem and message of a file that cannot be decoded.
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

  /// Writes the first `share` of a whole file under a new name.
  std::filesystem::path cut(const std::filesystem::path& whole, double share) const {
    const std::string bytes = read_bytes(whole);
    const auto path = file("cut" + whole.extension().string());
    write_bytes(path,
                bytes.substr(0, static_cast<size_t>(share * static_cast<double>(bytes.size()))));
    return path;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace s2i
