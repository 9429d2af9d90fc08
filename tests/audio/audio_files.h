// Audio files for tests, written by libsndfile.
#pragma once

#include <sndfile.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace s2i {

/// A sine wave of the given frequency with amplitude 0.5.
inline std::vector<float> make_tone(double seconds, int rate, double hertz = 440) {
  std::vector<float> samples(static_cast<size_t>(std::llround(seconds * rate)));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(
        0.5 * std::sin(2 * M_PI * hertz * static_cast<double>(i) / static_cast<double>(rate)));
  }
  return samples;
}

/// Writes interleaved samples in a format such as SF_FORMAT_WAV | SF_FORMAT_PCM_16.
inline void write_audio(const std::filesystem::path& path, const std::vector<float>& samples,
                        int rate, int format = SF_FORMAT_WAV | SF_FORMAT_PCM_16, int channels = 1) {
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr) throw std::runtime_error(sf_strerror(nullptr));
  const auto frames = static_cast<sf_count_t>(samples.size()) / channels;
  const sf_count_t written = sf_writef_float(file, samples.data(), frames);
  sf_close(file);
  if (written != frames) throw std::runtime_error("short write");
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace s2i
