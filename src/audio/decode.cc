#include "audio/decode.h"

#include <fcntl.h>
#include <sndfile.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>

#include "audio/container.h"
#include "audio/finite.h"
#include "core/files.h"

namespace s2i {
namespace {

struct SndfileCloser {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, SndfileCloser>;

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

/// Returns null if libsndfile does not recognize the format. libsndfile gets a duplicate
/// descriptor: on failure it closes the descriptor even with close_desc = false (seen in 1.2.0),
/// and a second close() here could close a file of another thread.
SndfileHandle open_sndfile(const FileDescriptor& descriptor, const std::filesystem::path& path,
                           SF_INFO& info) {
  const int duplicate = ::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0);
  if (duplicate < 0) fail(AudioProblem::kUnreadable, path, "cannot open: {}", errno_text(errno));
  return SndfileHandle(sf_open_fd(duplicate, SFM_READ, &info, SF_TRUE));
}

/// Reads at most `limit` frames into `samples`, averaging the channels. Returns the frames read.
size_t read_mono(SNDFILE* file, int channels, size_t expected, size_t limit,
                 std::vector<float>& samples) {
  constexpr size_t kMaxFramesAhead = 1 << 22;  // most frames to allocate before reading them
  constexpr size_t kBlockValues = 1 << 18;
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
    const sf_count_t count =
        sf_readf_float(file, channels > 1 ? block.data() : out, static_cast<sf_count_t>(want));
    const auto got = static_cast<size_t>(std::max<sf_count_t>(count, 0));
    if (channels > 1) {
      const float scale = 1.0F / static_cast<float>(channels);
      for (size_t frame = 0; frame < got; ++frame) {
        const float* const from = block.data() + frame * static_cast<size_t>(channels);
        float sum = 0;
        for (int channel = 0; channel < channels; ++channel) sum += from[channel];
        out[frame] = sum * scale;
      }
    }
    done += got;
    if (got < want || done == expected) break;
  }
  samples.resize(done);
  return done;
}

}  // namespace

void decode_audio(const std::filesystem::path& path, double max_seconds, AudioClip& clip) {
  clip.samples.clear();
  uint64_t file_bytes = 0;
  SF_INFO info{};
  const FileDescriptor descriptor = open_audio(path, file_bytes);
  const auto truncation = describe_truncation(descriptor.get(), file_bytes);
  const SndfileHandle file = open_sndfile(descriptor, path, info);
  if (file == nullptr) {
    if (truncation) fail(AudioProblem::kTruncated, path, "truncated: {}", *truncation);
    // libsndfile keeps the reason in a global variable, which another thread may overwrite.
    fail(AudioProblem::kNotAudio, path, "not audio in a format that libsndfile reads");
  }
  constexpr int kMaxSampleRate = 768000, kMaxChannels = 1024;
  if (info.samplerate <= 0 || info.samplerate > kMaxSampleRate || info.channels <= 0 ||
      info.channels > kMaxChannels) {
    fail(AudioProblem::kNotAudio, path, "not audio: {} Hz, {} channels", info.samplerate,
         info.channels);
  }
  if (truncation) fail(AudioProblem::kTruncated, path, "truncated: {}", *truncation);
  const double rate = info.samplerate;
  const auto limit = static_cast<size_t>(std::llround(max_seconds * rate));
  const bool known_length = info.frames >= 0 && info.frames < (sf_count_t{1} << 60);
  if (known_length && static_cast<size_t>(info.frames) > limit) {
    fail(AudioProblem::kTooLong, path, "{:.3f} s long, over the limit of {:g} s",
         static_cast<double>(info.frames) / rate, max_seconds);
  }
  const size_t expected = known_length ? static_cast<size_t>(info.frames) : SIZE_MAX;
  // Compressed files may have more frames than their header declares: read one past the limit.
  const size_t count =
      read_mono(file.get(), info.channels, known_length ? expected : 0, limit + 1, clip.samples);
  const int error = sf_error(file.get());
  if (known_length && count < expected) {
    fail(AudioProblem::kTruncated, path,
         "truncated: the header declares {} frames, {} could be read", expected, count);
  }
  if (error != SF_ERR_NO_ERROR) {
    fail(AudioProblem::kNotAudio, path, "corrupt after {} frames: {}", count,
         sf_error_number(error));
  }
  if (count > limit) {
    fail(AudioProblem::kTooLong, path, "longer than the limit of {:g} s", max_seconds);
  }
  if (count == 0) fail(AudioProblem::kEmpty, path, "empty: no samples");
  if (!all_finite(clip.samples)) {
    fail(AudioProblem::kNotFinite, path, "has samples that are not finite numbers");
  }
  clip.sample_rate = info.samplerate;
}

}  // namespace s2i
