#include "audio/container.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <utility>

#include "audio/ogg_pages.h"

namespace s2i {
namespace {

constexpr int kMaxChunks = 4096;

ContainerCheck damaged(std::string text) {
  ContainerCheck check;
  check.damage = std::move(text);
  return check;
}

ContainerCheck compare(uint64_t start, uint64_t declared, uint64_t file_bytes) {
  const uint64_t present = file_bytes - std::min(start, file_bytes);
  if (declared <= present) return {};
  return damaged(
      fmt::format("the header declares {} bytes of samples, the file has {}", declared, present));
}

/// Programs that write to a pipe do not know the length. They write a value near the limit of a
/// signed or unsigned 32-bit field.
bool is_unknown_length(uint64_t declared) {
  return declared >= 0xFFFFF000U || (declared >= 0x7FFFF000U && declared <= 0x80000000U);
}

/// The header declares 0 bytes, but bytes follow that are not a chunk.
ContainerCheck zero_length(const FileWindow& file, uint64_t field, uint64_t start, Endian endian) {
  const uint64_t present = file.size() - std::min(start, file.size());
  ContainerCheck check =
      damaged(fmt::format("the header declares 0 bytes of samples, but {} bytes follow", present));
  const auto bytes = static_cast<uint32_t>(std::min<uint64_t>(present, 0x7FFFEFFF));
  BytePatch& patch = check.patches.emplace_back(BytePatch{field, {}});
  for (size_t i = 0; i < 4; ++i) {
    const size_t shift = 8 * (endian == Endian::kBig ? 3 - i : i);
    patch.bytes.push_back(static_cast<unsigned char>(bytes >> shift));
  }
  return check;
}

/// The end of the chunks that start at `position`: the end of the file if they fill it.
uint64_t end_of_chunks(FileWindow& file, uint64_t position, Endian endian) {
  for (int chunk = 0; chunk < kMaxChunks && position < file.size(); ++chunk) {
    const auto name = file.bytes(position, 4);
    if (!name || !std::all_of(name->begin(), name->end(),
                              [](unsigned char c) { return c >= 0x20 && c < 0x7F; })) {
      return position;
    }
    const auto size = file.number(position + 4, 4, endian);
    if (!size || *size > file.size() - position - 8) return position;
    position += 8 + *size + (*size & 1);
  }
  return std::min(position, file.size());
}

/// If a recorder did not update its header, there is more audio after the data chunk.
ContainerCheck check_rest(FileWindow& file, uint64_t samples_end, Endian endian) {
  constexpr uint64_t kMaxExtraBytes = 512;  // tags appended by other programs
  ContainerCheck check;
  const uint64_t end = end_of_chunks(file, samples_end, endian);
  if (end >= file.size() || file.all_zero(end, file.size())) return check;
  const uint64_t extra = file.size() - end;
  auto text =
      fmt::format("{} bytes after the samples do not belong to a chunk and are ignored", extra);
  (extra > kMaxExtraBytes ? check.damage : check.warning) = std::move(text);
  return check;
}

/// RIFF, RIFX, RF64, AIFF and 8SVX: a 12-byte header, then chunks of (name, 32-bit size, content
/// padded to an even size). `data_name` is the chunk with the samples.
ContainerCheck check_chunks(FileWindow& file, Endian endian, std::string_view data_name) {
  std::optional<uint64_t> long_size;
  uint64_t frame_bytes = 0;
  uint64_t position = 12;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 4, 4, endian);
    if (!size) {
      return damaged(
          fmt::format("the file ends at byte {}, before the '{}' chunk", file.size(), data_name));
    }
    const uint64_t content = position + 8;
    if (file.starts(position, "ds64")) long_size = file.number(content + 8, 8, endian);
    if (file.starts(position, "fmt ")) {
      constexpr uint64_t kPcm = 1, kFloat = 3;
      const auto tag = file.number(content, 2, endian);
      if (tag == kPcm || tag == kFloat) {
        frame_bytes = file.number(content + 12, 2, endian).value_or(0);
      }
    }
    if (file.starts(position, data_name)) {
      if (long_size && *size == 0xFFFFFFFFU) return compare(content, *long_size, file.size());
      if (is_unknown_length(*size)) return {};
      const bool is_wav = data_name == "data";
      if (*size == 0 && is_wav && end_of_chunks(file, content, endian) < file.size()) {
        return zero_length(file, position + 4, content, endian);
      }
      ContainerCheck check = compare(content, *size, file.size());
      if (check.damage || !is_wav) return check;
      ContainerCheck rest =
          check_rest(file, std::min(content + *size + (*size & 1), file.size()), endian);
      if (frame_bytes > 1 && *size % frame_bytes != 0 && !rest.damage && !rest.warning) {
        rest.warning = fmt::format("the last frame is incomplete: {} of {} bytes",
                                   *size % frame_bytes, frame_bytes);
      }
      return rest;
    }
    position = content + *size + (*size & 1);
  }
  return {};
}

ContainerCheck check_form(FileWindow& file) {
  if (file.starts(8, "AIFF") || file.starts(8, "AIFC")) {
    return check_chunks(file, Endian::kBig, "SSND");
  }
  if (file.starts(8, "8SVX") || file.starts(8, "16SV")) {
    return check_chunks(file, Endian::kBig, "BODY");
  }
  return {};
}

/// Sony Wave64: 16-byte names, 64-bit sizes that include the chunk header, content padded to 8
/// bytes.
ContainerCheck check_wave64(FileWindow& file) {
  uint64_t position = 40;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 16, 8, Endian::kLittle);
    if (!size || *size < 24 || *size > UINT64_MAX / 2) {
      return damaged(fmt::format("the file ends at byte {}, before the 'data' chunk", file.size()));
    }
    if (file.starts(position, "data")) return compare(position + 24, *size - 24, file.size());
    position += (*size + 7) / 8 * 8;
  }
  return {};
}

/// Apple's Core Audio Format: an 8-byte header, then chunks of (name, 64-bit size, content).
ContainerCheck check_caf(FileWindow& file) {
  uint64_t position = 8;
  for (int chunk = 0; chunk < kMaxChunks; ++chunk) {
    const auto size = file.number(position + 4, 8, Endian::kBig);
    if (!size) {
      return damaged(fmt::format("the file ends at byte {}, before the 'data' chunk", file.size()));
    }
    const bool is_data = file.starts(position, "data");
    if (is_data && *size == UINT64_MAX) return {};  // written to a pipe
    if (*size > UINT64_MAX / 2) return {};
    if (is_data) return compare(position + 12, *size, file.size());
    position += 12 + *size;
  }
  return {};
}

ContainerCheck check_au(FileWindow& file, Endian endian) {
  const auto start = file.number(4, 4, endian);
  const auto declared = file.number(8, 4, endian);
  if (!start || !declared) return damaged("the file ends inside its header");
  if (is_unknown_length(*declared)) return {};
  if (*declared == 0 && *start < file.size()) return zero_length(file, 8, *start, endian);
  return compare(*start, *declared, file.size());
}

/// NIST SPHERE: a text header, whose second line is its size, with lines such as
/// "sample_count -i 16000".
ContainerCheck check_nist(FileWindow& file) {
  constexpr size_t kHeadBytes = 1024;
  const auto head = file.bytes(0, kHeadBytes);
  if (!head) return damaged("the file ends inside its header");
  const std::string_view text(reinterpret_cast<const char*>(head->data()), head->size());
  const auto number = [&](std::string_view name) -> uint64_t {
    size_t at = text.find(name);
    if (at == std::string_view::npos) return 0;
    at = text.find_first_of("0123456789", at + name.size());
    uint64_t value = 0;
    if (at != std::string_view::npos) {
      std::from_chars(text.data() + at, text.data() + text.size(), value);
    }
    return value;
  };
  constexpr uint64_t kMaxSamples = 1ULL << 40;
  const uint64_t samples = number("\nsample_count -i");
  const uint64_t channels = std::max<uint64_t>(number("\nchannel_count -i"), 1);
  const uint64_t width = std::max<uint64_t>(number("\nsample_n_bytes -i"), 1);
  if (samples > kMaxSamples || channels > 1024 || width > 8) return {};  // libsndfile rejects it
  return compare(std::max<uint64_t>(number("NIST_1A\n"), kHeadBytes), samples * channels * width,
                 file.size());
}

/// Creative Voice: blocks of (type, 24-bit size, content); type 0 ends the file.
ContainerCheck check_voc(FileWindow& file) {
  uint64_t position = file.number(20, 2, Endian::kLittle).value_or(0);
  while (position < file.size() && file.number(position, 1, Endian::kLittle).value_or(0) != 0) {
    const auto size = file.number(position + 1, 3, Endian::kLittle);
    if (!size) return damaged("the file ends inside a block header");
    ContainerCheck check = compare(position + 4, *size, file.size());
    if (check.damage) return check;
    position += 4 + *size;
  }
  return {};
}

ContainerCheck check_avr(FileWindow& file) {
  constexpr uint64_t kHeaderBytes = 128;
  const uint64_t channels = file.number(12, 2, Endian::kBig).value_or(0) == 0 ? 1 : 2;
  const uint64_t width = file.number(14, 2, Endian::kBig).value_or(8) / 8;
  return compare(kHeaderBytes, file.number(26, 4, Endian::kBig).value_or(0) * channels * width,
                 file.size());
}

ContainerCheck check_wve(FileWindow& file) {
  constexpr uint64_t kHeaderBytes = 32;
  return compare(kHeaderBytes, file.number(18, 4, Endian::kBig).value_or(0), file.size());
}

ContainerCheck check_ogg(FileWindow& file) {
  OggCheck ogg = check_ogg_pages(file);
  ContainerCheck check;
  check.damage = ogg.damage;
  check.warning = ogg.warning;
  check.patches = std::move(ogg.patches);
  if (ogg.concatenated) {
    check.unsupported =
        "several concatenated Ogg streams, of which libsndfile reads only the first: convert the "
        "file to FLAC or WAV, e.g. with ffmpeg";
  }
  return check;
}

}  // namespace

ContainerCheck check_container(FileWindow& file) {
  if (file.starts(0, "RIFF") || file.starts(0, "RF64")) {
    return check_chunks(file, Endian::kLittle, "data");
  }
  if (file.starts(0, "RIFX")) return check_chunks(file, Endian::kBig, "data");
  if (file.starts(0, "FORM")) return check_form(file);
  if (file.starts(0, "riff")) return check_wave64(file);
  if (file.starts(0, "caff")) return check_caf(file);
  if (file.starts(0, ".snd")) return check_au(file, Endian::kBig);
  if (file.starts(0, "dns.")) return check_au(file, Endian::kLittle);
  if (file.starts(0, "OggS")) return check_ogg(file);
  if (file.starts(0, "NIST_1A\n")) return check_nist(file);
  if (file.starts(0, "Creative Voice File\x1A")) return check_voc(file);
  if (file.starts(0, "2BIT")) return check_avr(file);
  if (file.starts(0, "ALawSoundFile**")) return check_wve(file);
  return {};
}

}  // namespace s2i
