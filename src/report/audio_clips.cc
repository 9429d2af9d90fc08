#include "report/audio_clips.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"

namespace s2i {
namespace {

/// A file in memory, for libsndfile.
struct MemoryFile {
  std::vector<std::byte> bytes;
  size_t position = 0;
};

MemoryFile& memory(void* user) { return *static_cast<MemoryFile*>(user); }

SF_VIRTUAL_IO memory_io() {
  SF_VIRTUAL_IO io{};
  io.get_filelen = [](void* user) { return static_cast<sf_count_t>(memory(user).bytes.size()); };
  io.tell = [](void* user) { return static_cast<sf_count_t>(memory(user).position); };
  io.seek = [](sf_count_t offset, int whence, void* user) {
    MemoryFile& file = memory(user);
    const auto base = whence == SEEK_SET   ? 0
                      : whence == SEEK_CUR ? static_cast<sf_count_t>(file.position)
                                           : static_cast<sf_count_t>(file.bytes.size());
    file.position = static_cast<size_t>(std::max<sf_count_t>(0, base + offset));
    return static_cast<sf_count_t>(file.position);
  };
  io.read = [](void* to, sf_count_t count, void* user) {
    MemoryFile& file = memory(user);
    const size_t left = file.bytes.size() - std::min(file.position, file.bytes.size());
    const size_t size = std::min(left, static_cast<size_t>(count));
    std::memcpy(to, file.bytes.data() + file.position, size);
    file.position += size;
    return static_cast<sf_count_t>(size);
  };
  io.write = [](const void* from, sf_count_t count, void* user) {
    MemoryFile& file = memory(user);
    const auto size = static_cast<size_t>(count);
    if (file.bytes.size() < file.position + size) file.bytes.resize(file.position + size);
    std::memcpy(file.bytes.data() + file.position, from, size);
    file.position += size;
    return count;
  };
  return io;
}

}  // namespace

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      text += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

std::string wav_data_uri(std::span<const float> samples, uint32_t sample_rate) {
  MemoryFile file;
  SF_INFO info{};
  info.samplerate = static_cast<int>(sample_rate);
  info.channels = 1;
  info.format = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
  SF_VIRTUAL_IO io = memory_io();
  SNDFILE* stream = sf_open_virtual(&io, SFM_WRITE, &info, &file);
  if (stream == nullptr) throw RunError("cannot encode audio as WAV: {}", sf_strerror(nullptr));
  std::vector<int16_t> values;  // the inverse of how shards of int16 are read
  values.reserve(samples.size());
  for (const float sample : samples) {
    constexpr float kFullScale = 32768;
    values.push_back(
        static_cast<int16_t>(std::lround(std::clamp(sample * kFullScale, -32768.0F, 32767.0F))));
  }
  const auto count = static_cast<sf_count_t>(values.size());
  const bool written = sf_write_short(stream, values.data(), count) == count;
  if (sf_close(stream) != 0 || !written) throw RunError("cannot encode audio as WAV");
  return "data:audio/wav;base64," + base64(file.bytes);
}

const AudioClips::Split& AudioClips::split_of(const RunFolder& run) {
  const std::string split = run.setting("data.test_split");
  if (split.empty()) {
    throw UserError("{}: --audio needs a training run that names its test split (config.yaml)",
                    run.path.string());
  }
  const std::filesystem::path parent =
      data_dir_.empty() ? std::filesystem::path(run.setting("data.dir")) : data_dir_;
  const std::filesystem::path folder = parent / split;
  auto& found = splits_[folder];
  if (found) return *found;
  if (!std::filesystem::exists(folder / "manifest.json")) {
    throw UserError("--audio: no shards in {}; name their folder with --data",
                    std::filesystem::absolute(folder).string());
  }
  found = std::make_unique<Split>(Split{Dataset(folder), {}});
  for (size_t i = 0; i < found->dataset.size(); ++i) found->index[found->dataset.id(i)] = i;
  return *found;
}

std::string AudioClips::of(const RunFolder& run, const PredictedUtterance& one) {
  const Split& split = split_of(run);
  const Dataset& dataset = split.dataset;
  const auto found = split.index.find(one.id);
  if (found == split.index.end() ||
      dataset.intents()[static_cast<size_t>(dataset.label(found->second))] != one.label) {
    throw UserError(
        "--audio: {} has no utterance {} of {}: these are not the shards that {} was evaluated on; "
        "name their folder with --data",
        dataset.folder().string(), one.id, one.label, run.path.string());
  }
  std::vector<float> samples(dataset.num_samples(found->second));
  dataset.read_samples(found->second, samples, /*verify=*/true);
  return wav_data_uri(samples, dataset.sample_rate());
}

}  // namespace s2i
