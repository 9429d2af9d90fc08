#include "audio/mpeg_source.h"

#include <mpg123.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "core/error.h"

namespace s2i {
namespace {

struct Mpg123Deleter {
  void operator()(mpg123_handle* handle) const { mpg123_delete(handle); }
};

/// Lets libmpg123 read the frames from memory.
struct FrameReader {
  std::vector<unsigned char> bytes;
  size_t position = 0;

  static ssize_t read(void* self, void* into, size_t count) {
    auto& reader = *static_cast<FrameReader*>(self);
    count = std::min(count, reader.bytes.size() - reader.position);
    std::memcpy(into, reader.bytes.data() + reader.position, count);
    reader.position += count;
    return static_cast<ssize_t>(count);
  }
  static off_t seek(void* /*self*/, off_t /*offset*/, int /*whence*/) { return -1; }
};

class MpegSource : public SampleSource {
 public:
  explicit MpegSource(MpegStream stream) {
    static const int initialized = mpg123_init();  // needed before version 1.27
    if (initialized != MPG123_OK) throw RunError("cannot initialize libmpg123");
    sample_rate_ = stream.format->sample_rate;
    channels_ = stream.format->channels;
    const uint64_t samples = stream.frame_count * stream.format->samples_per_frame;
    skip_ = stream.skipped_start;
    if (stream.complete) frames_ = samples - stream.skipped_start - stream.dropped_end;
    reader_.bytes = std::move(stream.frames);
    open();
  }

  size_t read(float* interleaved, size_t frames) override {
    if (frames_) frames = std::min<uint64_t>(frames, *frames_ - delivered_);
    while (skip_ > 0 && error_.empty()) {
      skipped_.resize(std::min<uint64_t>(skip_, 4096) * static_cast<size_t>(channels_));
      const size_t got = decode(skipped_.data(), skipped_.size() / static_cast<size_t>(channels_));
      if (got == 0) return 0;
      skip_ -= got;
    }
    const size_t got = decode(interleaved, frames);
    delivered_ += got;
    return got;
  }

  std::string error() const override { return error_; }

 private:
  void open() {
    if (reader_.bytes.empty()) return;
    int status = MPG123_OK;
    handle_.reset(mpg123_new(nullptr, &status));
    if (handle_ == nullptr) {
      throw RunError("cannot initialize libmpg123: {}", mpg123_plain_strerror(status));
    }
    // The input has only complete frames, so libmpg123 must not guess, skip or trim anything.
    constexpr long kFlags = MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_NO_RESYNC |
                            MPG123_IGNORE_INFOFRAME | MPG123_IGNORE_STREAMLENGTH |
                            MPG123_NO_READAHEAD;
    const bool ready = mpg123_param(handle_.get(), MPG123_FLAGS, kFlags, 0) == MPG123_OK &&
                       mpg123_replace_reader_handle(handle_.get(), FrameReader::read,
                                                    FrameReader::seek, nullptr) == MPG123_OK &&
                       mpg123_open_handle(handle_.get(), &reader_) == MPG123_OK;
    if (!ready) throw RunError("cannot initialize libmpg123: {}", mpg123_strerror(handle_.get()));
  }

  size_t decode(float* interleaved, size_t frames) {
    const auto channels = static_cast<size_t>(channels_);
    auto* const out = reinterpret_cast<unsigned char*>(interleaved);
    const size_t wanted = frames * channels * sizeof(float);
    size_t done = 0;
    while (done < wanted && handle_ != nullptr) {
      size_t got = 0;
      const int status = mpg123_read(handle_.get(), out + done, wanted - done, &got);
      done += got;
      if (status == MPG123_DONE) break;
      if (status == MPG123_NEW_FORMAT && has_expected_format()) continue;
      if (status != MPG123_OK) {
        error_ = status == MPG123_NEW_FORMAT ? "the format of the MPEG frames changes"
                                             : mpg123_strerror(handle_.get());
        break;
      }
    }
    return done / sizeof(float) / channels;
  }

  bool has_expected_format() const {
    long rate = 0;
    int channels = 0;
    int encoding = 0;
    return mpg123_getformat(handle_.get(), &rate, &channels, &encoding) == MPG123_OK &&
           rate == sample_rate_ && channels == channels_ && encoding == MPG123_ENC_FLOAT_32;
  }

  FrameReader reader_;
  std::unique_ptr<mpg123_handle, Mpg123Deleter> handle_;  // destroyed before reader_
  uint64_t skip_ = 0;
  uint64_t delivered_ = 0;
  std::vector<float> skipped_;
  std::string error_;
};

}  // namespace

std::unique_ptr<SampleSource> open_mpeg_source(MpegStream stream) {
  return std::make_unique<MpegSource>(std::move(stream));
}

}  // namespace s2i
