#include "audio/sndfile_source.h"

#include <fcntl.h>
#include <sndfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

struct SndfileCloser {
  void operator()(SNDFILE* file) const { sf_close(file); }
};
using SndfileHandle = std::unique_ptr<SNDFILE, SndfileCloser>;

/// Lets libsndfile read the file with some bytes replaced and optionally a smaller size.
class PatchedFile {
 public:
  PatchedFile(int descriptor, uint64_t file_bytes, std::vector<BytePatch> patches)
      : descriptor_(descriptor),
        size_(static_cast<sf_count_t>(file_bytes)),
        patches_(std::move(patches)) {}

  SndfileHandle open(SF_INFO& info) {
    SF_VIRTUAL_IO io{};
    io.get_filelen = [](void* self) { return static_cast<PatchedFile*>(self)->size_; };
    io.seek = [](sf_count_t offset, int whence, void* self) {
      return static_cast<PatchedFile*>(self)->seek(offset, whence);
    };
    io.read = [](void* into, sf_count_t count, void* self) {
      return static_cast<PatchedFile*>(self)->read(static_cast<unsigned char*>(into), count);
    };
    io.write = [](const void* /*from*/, sf_count_t /*count*/, void* /*self*/) {
      return sf_count_t{0};
    };
    io.tell = [](void* self) { return static_cast<PatchedFile*>(self)->position_; };
    return SndfileHandle(sf_open_virtual(&io, SFM_READ, &info, this));
  }

 private:
  sf_count_t seek(sf_count_t offset, int whence) {
    if (whence == SEEK_CUR) offset += position_;
    if (whence == SEEK_END) offset += size_;
    position_ = std::clamp<sf_count_t>(offset, 0, size_);
    return position_;
  }

  sf_count_t read(unsigned char* into, sf_count_t count) {
    count = std::clamp<sf_count_t>(count, 0, size_ - position_);
    const ssize_t got = ::pread(descriptor_, into, static_cast<size_t>(count), position_);
    if (got <= 0) return 0;
    for (const BytePatch& patch : patches_) {
      for (size_t i = 0; i < patch.bytes.size(); ++i) {
        const sf_count_t at = static_cast<sf_count_t>(patch.offset + i) - position_;
        if (at >= 0 && at < got) into[at] = patch.bytes[i];
      }
    }
    position_ += got;
    return got;
  }

  int descriptor_;
  sf_count_t size_;
  std::vector<BytePatch> patches_;
  sf_count_t position_ = 0;
};

class SndfileSource : public SampleSource {
 public:
  explicit SndfileSource(const SndfileRequest& request) {
    SF_INFO info{};
    if (request.headerless) {
      info.samplerate = kHeaderlessRate;
      info.channels = 1;
      const bool is_gsm = *request.headerless == HeaderlessFormat::kGsm;
      info.format = SF_FORMAT_RAW | (is_gsm ? SF_FORMAT_GSM610 : SF_FORMAT_VOX_ADPCM);
    }
    if (request.truncate || !request.patches.empty()) {
      patched_ =
          std::make_unique<PatchedFile>(request.descriptor, request.file_bytes, request.patches);
      handle_ = patched_->open(info);
    } else {
      handle_ = open_descriptor(request.descriptor, info);
    }
    constexpr int kMpeg = 0x230000;  // SF_FORMAT_MPEG, which libsndfile before 1.1 does not have
    if (handle_ != nullptr && (info.format & SF_FORMAT_TYPEMASK) == kMpeg) handle_.reset();
    sample_rate_ = info.samplerate;
    channels_ = info.channels;
    const bool known = info.frames >= 0 && info.frames < (sf_count_t{1} << 60);
    if (known) frames_ = static_cast<uint64_t>(info.frames);
  }

  bool is_open() const { return handle_ != nullptr; }

  size_t read(float* interleaved, size_t frames) override {
    const sf_count_t count =
        sf_readf_float(handle_.get(), interleaved, static_cast<sf_count_t>(frames));
    return static_cast<size_t>(std::max<sf_count_t>(count, 0));
  }

  std::string error() const override {
    const int error = sf_error(handle_.get());
    return error == SF_ERR_NO_ERROR ? "" : sf_error_number(error);
  }

 private:
  /// Opens a duplicate descriptor, which libsndfile closes. On failure it closes the descriptor
  /// even with close_desc = false (seen in 1.2.0), and a second close() here could close a file of
  /// another thread.
  static SndfileHandle open_descriptor(int descriptor, SF_INFO& info) {
    const int duplicate = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (duplicate < 0) throw RunError("cannot open another file: {}", errno_text(errno));
    // The position is shared with the original descriptor, which an earlier attempt may have moved.
    ::lseek(duplicate, 0, SEEK_SET);
    return SndfileHandle(sf_open_fd(duplicate, SFM_READ, &info, SF_TRUE));
  }

  std::unique_ptr<PatchedFile> patched_;
  SndfileHandle handle_;
};

}  // namespace

std::unique_ptr<SampleSource> open_sndfile_source(const SndfileRequest& request) {
  auto source = std::make_unique<SndfileSource>(request);
  if (!source->is_open()) return nullptr;
  return source;
}

}  // namespace s2i
