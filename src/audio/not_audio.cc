#include "audio/not_audio.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "audio/mpeg_header.h"
#include "core/git_lfs.h"

namespace s2i {
namespace {

using namespace std::string_view_literals;

struct Magic {
  uint64_t offset;
  std::string_view bytes;
  const char* name;
};

constexpr std::array kUnreadableFormats{Magic{4, "ftyp"sv, "MP4 or M4A"},
                                        Magic{0, "\x1A\x45\xDF\xA3"sv, "Matroska or WebM"},
                                        Magic{0, "\x30\x26\xB2\x75"sv, "WMA"},
                                        Magic{0, "#!AMR"sv, "AMR"},
                                        Magic{0, "#!SILK"sv, "SILK"},
                                        Magic{0, "\x02#!SILK"sv, "SILK"},
                                        Magic{0, "ADIF"sv, "AAC"},
                                        Magic{0, "\xFF\xF1"sv, "AAC"},
                                        Magic{0, "\xFF\xF9"sv, "AAC"},
                                        Magic{0, "wvpk"sv, "WavPack"},
                                        Magic{0, "MAC "sv, "Monkey's Audio"},
                                        Magic{0, "ajkg"sv, "Shorten"},
                                        Magic{0, "FLV\x01"sv, "Flash Video"}};

constexpr std::array kHeaderlessExtensions{".snd"sv, ".au"sv,   ".raw"sv, ".pcm"sv,
                                           ".ul"sv,  ".ulaw"sv, ".al"sv,  ".alaw"sv,
                                           ".sw"sv,  ".sln"sv,  ".sd2"sv};

}  // namespace

std::string describe_not_audio(const std::filesystem::path& path, FileWindow& file) {
  if (file.starts(0, kLfsPointerStart)) {
    return "a Git LFS pointer instead of audio: run `git lfs pull` in the repository";
  }
  for (const Magic& magic : kUnreadableFormats) {
    if (!file.starts(magic.offset, magic.bytes)) continue;
    return fmt::format(
        "{}, which libsndfile does not read: convert it to FLAC or WAV, e.g. with ffmpeg",
        magic.name);
  }
  const auto head = file.bytes(0, kMpegHeaderBytes);
  if (head && is_free_format(*head)) {
    return "MPEG audio in free format, which is not supported: convert it to FLAC or WAV";
  }
  if (file.starts(0, "<"sv)) return "not audio: looks like HTML or XML";
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (std::find(kHeaderlessExtensions.begin(), kHeaderlessExtensions.end(), extension) !=
      kHeaderlessExtensions.end()) {
    return fmt::format(
        "no known header: headerless audio ({}) does not give its encoding and sample rate; "
        "convert it, e.g. 8 kHz mu-law with: sox -t raw -r 8000 -c 1 -e mu-law -b 8 "
        "IN OUT.wav",
        extension);
  }
  return "not audio in a format that libsndfile reads";
}

}  // namespace s2i
