#include "audio/decode.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "audio/container.h"
#include "audio/finite.h"
#include "audio/headerless.h"
#include "audio/mpeg_source.h"
#include "audio/mpeg_stream.h"
#include "audio/not_audio.h"
#include "audio/sndfile_source.h"
#include "core/files.h"
#include "core/format.h"

namespace s2i {
namespace {

template <typename... Args>
[[noreturn]] void fail(AudioProblem problem, const std::filesystem::path& path,
                       fmt::format_string<Args...> format, Args&&... args) {
  throw AudioError(problem, fmt::format("{}: {}", path.string(),
                                        fmt::format(format, std::forward<Args>(args)...)));
}

FileDescriptor open_audio(const std::filesystem::path& path, uint64_t& file_bytes) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    if (missing) fail(AudioProblem::kNotFound, path, "no such file");
    fail(AudioProblem::kUnreadable, path, "cannot open: {}", errno_text(errno));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    fail(AudioProblem::kUnreadable, path, "cannot read: {}", errno_text(errno));
  }
  if (!S_ISREG(status.st_mode)) fail(AudioProblem::kUnreadable, path, "not a regular file");
  file_bytes = static_cast<uint64_t>(status.st_size);
  if (file_bytes == 0) fail(AudioProblem::kEmpty, path, "empty file");
  return file;
}

/// A decoder and the result of the checks before decoding.
struct OpenedAudio {
  std::unique_ptr<SampleSource> source;
  ContainerCheck check;
};

class AudioOpener {
 public:
  AudioOpener(const std::filesystem::path& path, int descriptor, uint64_t file_bytes,
              const DecodeOptions& options)
      : path_(path), descriptor_(descriptor), options_(options), head_(descriptor, file_bytes) {}

  OpenedAudio open() {
    OpenedAudio opened;
    opened.check = check_container(head_);
    if (opened.check.unsupported) {
      fail(AudioProblem::kNotAudio, path_, "{}", *opened.check.unsupported);
    }
    if (const auto range = find_mpeg_stream(head_)) {
      open_mpeg(*range, opened);
    } else {
      open_other(opened);
    }
    return opened;
  }

 private:
  void open_mpeg(ByteRange range, OpenedAudio& opened) {
    constexpr size_t kBlockBytes = 1 << 16;
    FileWindow file(descriptor_, head_.size(), kBlockBytes);
    MpegStream stream = read_mpeg_stream(file, range, options_.max_seconds);
    if (!stream.format) {
      fail(AudioProblem::kNotAudio, path_,
           "the header declares MPEG audio, but there is no MPEG frame");
    }
    if (stream.channels_change) {
      fail(AudioProblem::kNotAudio, path_,
           "the MPEG frames change between mono and stereo: convert the file to FLAC or WAV");
    }
    if (!opened.check.damage) opened.check.damage = stream.damage;
    if (!opened.check.warning) opened.check.warning = stream.warning;
    opened.source = open_mpeg_source(std::move(stream));
  }

  void open_other(OpenedAudio& opened) {
    SndfileRequest request;
    request.descriptor = descriptor_;
    request.file_bytes = head_.size();
    request.patches = opened.check.patches;
    // libsndfile would use libmpg123, which prints messages to standard error.
    if (!starts_with_mpeg_sync(head_)) opened.source = open_sndfile_source(request);
    if (opened.source != nullptr) return;
    if (opened.check.damage) {
      fail(AudioProblem::kDamaged, path_, "truncated or corrupt: {}; no audio can be read",
           *opened.check.damage);
    }
    const HeaderlessCheck headerless = check_headerless(path_, head_);
    if (headerless.format) {
      request.headerless = headerless.format;
      opened.check.damage = headerless.damage;
      request.truncate = headerless.valid_bytes < head_.size();
      request.file_bytes = headerless.valid_bytes;
      opened.source = open_sndfile_source(request);
      if (opened.source != nullptr) return;
    }
    if (const auto range = search_mpeg_stream(head_)) return open_mpeg(*range, opened);
    fail(AudioProblem::kNotAudio, path_, "{}", describe_not_audio(path_, head_));
  }

  const std::filesystem::path& path_;
  int descriptor_;
  const DecodeOptions& options_;
  FileWindow head_;
};

/// Converts interleaved frames [frames, channels] to mono.
void mix(const float* from, size_t frames, int channels, ChannelChoice choice, float* out) {
  const auto stride = static_cast<size_t>(channels);
  if (!choice.is_mean()) {
    from += choice.number - 1;
    for (size_t frame = 0; frame < frames; ++frame) out[frame] = from[frame * stride];
    return;
  }
  const float scale = 1.0F / static_cast<float>(channels);
  for (size_t frame = 0; frame < frames; ++frame, from += stride) {
    float sum = 0;
    for (int channel = 0; channel < channels; ++channel) sum += from[channel];
    out[frame] = sum * scale;
  }
}

/// Reads at most `limit` frames into `samples` as mono. Returns the number of frames.
size_t read_mono(SampleSource& source, ChannelChoice choice, size_t expected, size_t limit,
                 std::vector<float>& samples) {
  constexpr size_t kMaxFramesAhead = 1 << 22;  // most frames to allocate before reading them
  constexpr size_t kBlockValues = 1 << 18;
  const int channels = source.channels();
  const size_t block_frames = std::max<size_t>(1, kBlockValues / static_cast<size_t>(channels));
  std::vector<float> block;
  if (channels > 1) block.resize(block_frames * static_cast<size_t>(channels));
  size_t done = 0;
  while (done < limit) {
    // The length in the header is only a hint: grow the buffer as samples are read.
    const size_t target = done < expected ? expected : done + kBlockValues;
    size_t want = std::min({target - done, limit - done, kMaxFramesAhead});
    if (channels > 1) want = std::min(want, block_frames);
    samples.resize(done + want);
    float* const out = samples.data() + done;
    const size_t got = source.read(channels > 1 ? block.data() : out, want);
    if (channels > 1) mix(block.data(), got, channels, choice, out);
    done += got;
    if (got < want || done == expected) break;
  }
  samples.resize(done);
  return done;
}

void check_format(const SampleSource& source, const std::filesystem::path& path,
                  ChannelChoice choice) {
  constexpr int kMaxSampleRate = 768000, kMaxChannels = 1024;
  if (source.sample_rate() <= 0 || source.sample_rate() > kMaxSampleRate ||
      source.channels() <= 0 || source.channels() > kMaxChannels) {
    fail(AudioProblem::kNotAudio, path, "not audio: {} Hz, {} channels", source.sample_rate(),
         source.channels());
  }
  if (choice.number > source.channels()) {
    fail(AudioProblem::kNoSuchChannel, path, "has {}, channel {} was requested",
         plural(static_cast<uint64_t>(source.channels()), "channel"), choice.number);
  }
}

}  // namespace

void decode_audio(const std::filesystem::path& path, const DecodeOptions& options,
                  AudioClip& clip) {
  clip.samples.clear();
  clip.damage.clear();
  clip.warning.clear();
  uint64_t file_bytes = 0;
  const FileDescriptor descriptor = open_audio(path, file_bytes);
  auto [source, check] = AudioOpener(path, descriptor.get(), file_bytes, options).open();
  check_format(*source, path, options.channel);
  if (check.damage && !options.accept_damaged) {
    fail(AudioProblem::kDamaged, path, "truncated or corrupt: {}", *check.damage);
  }
  const double rate = source->sample_rate();
  const auto limit = static_cast<size_t>(std::llround(options.max_seconds * rate));
  const auto frames = source->frames();
  if (frames && *frames > limit) {
    fail(AudioProblem::kTooLong, path, "{:.3f} s long, over the limit of {:g} s (--max-seconds)",
         static_cast<double>(*frames) / rate, options.max_seconds);
  }
  // Compressed files may have more frames than their header declares: read one past the limit.
  const size_t count =
      read_mono(*source, options.channel, frames.value_or(0), limit + 1, clip.samples);
  const std::string error = source->error();
  if (!check.damage && frames && count < *frames) {
    check.damage = fmt::format("the header declares {} frames, {} could be read", *frames, count);
  }
  if (!check.damage && !error.empty()) {
    check.damage = fmt::format("the decoder failed after {} frames: {}", count, error);
  }
  if (count > limit) {
    fail(AudioProblem::kTooLong, path, "longer than the limit of {:g} s (--max-seconds)",
         options.max_seconds);
  }
  if (check.damage && !options.accept_damaged) {
    fail(AudioProblem::kDamaged, path, "truncated or corrupt: {}", *check.damage);
  }
  if (count == 0) fail(AudioProblem::kEmpty, path, "empty: no samples");
  if (!all_finite(clip.samples)) {
    fail(AudioProblem::kNotFinite, path, "has samples that are not finite numbers");
  }
  if (check.damage) clip.damage = fmt::format("{}; read {} frames", *check.damage, count);
  if (check.warning) clip.warning = *check.warning;
  clip.sample_rate = source->sample_rate();
  clip.channels = source->channels();
}

}  // namespace s2i
