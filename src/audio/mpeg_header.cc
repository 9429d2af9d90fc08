#include "audio/mpeg_header.h"

#include <array>

namespace s2i {
namespace {

using BitRates = std::array<int, 15>;  // kbit/s by index; 0: free format

constexpr BitRates kMpeg1Layer1{0,   32,  64,  96,  128, 160, 192, 224,
                                256, 288, 320, 352, 384, 416, 448};
constexpr BitRates kMpeg1Layer2{0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384};
constexpr BitRates kMpeg1Layer3{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320};
constexpr BitRates kMpeg2Layer1{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256};
constexpr BitRates kMpeg2Layer23{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160};
constexpr std::array<int, 3> kMpeg1Rates{44100, 48000, 32000};

const BitRates& bit_rates(bool mpeg1, int layer) {
  if (!mpeg1) return layer == 1 ? kMpeg2Layer1 : kMpeg2Layer23;
  if (layer == 1) return kMpeg1Layer1;
  return layer == 2 ? kMpeg1Layer2 : kMpeg1Layer3;
}

/// Whether all fields are valid. The bit rate may be free format.
bool is_header(std::span<const unsigned char> bytes) {
  if (bytes.size() < kMpegHeaderBytes) return false;
  const bool sync = bytes[0] == 0xFF && (bytes[1] & 0xE0) == 0xE0;
  const bool version = (bytes[1] >> 3 & 3) != 1;
  const bool layer = (bytes[1] >> 1 & 3) != 0;
  const bool rate = (bytes[2] >> 2 & 3) != 3;
  const bool emphasis = (bytes[3] & 3) != 2;
  return sync && version && layer && rate && emphasis && bytes[2] >> 4 != 15;
}

}  // namespace

std::optional<MpegHeader> parse_mpeg_header(std::span<const unsigned char> bytes) {
  if (!is_header(bytes) || bytes[2] >> 4 == 0) return std::nullopt;
  MpegHeader header;
  header.version_bits = bytes[1] >> 3 & 3;
  const bool mpeg1 = header.version_bits == 3;
  header.layer = 4 - (bytes[1] >> 1 & 3);
  header.sample_rate = kMpeg1Rates[bytes[2] >> 2 & 3];
  if (header.version_bits == 2) header.sample_rate /= 2;
  if (header.version_bits == 0) header.sample_rate /= 4;
  header.channels = bytes[3] >> 6 == 3 ? 1 : 2;
  if (header.layer == 1) {
    header.samples_per_frame = 384;
  } else {
    header.samples_per_frame = header.layer == 3 && !mpeg1 ? 576 : 1152;
  }
  const auto bits = static_cast<size_t>(bit_rates(mpeg1, header.layer)[bytes[2] >> 4]) * 1000;
  const size_t padding = bytes[2] >> 1 & 1;
  const auto rate = static_cast<size_t>(header.sample_rate);
  // Layer I counts in slots of four bytes.
  header.frame_bytes = header.layer == 1 ? (12 * bits / rate + padding) * 4
                                         : header.samples_per_frame / 8 * bits / rate + padding;
  return header;
}

size_t main_data_begin(std::span<const unsigned char> frame) {
  const bool has_crc = (frame[1] & 1) == 0;
  const size_t at = kMpegHeaderBytes + (has_crc ? 2 : 0);
  if (frame.size() < at + 2) return 0;
  const bool mpeg1 = (frame[1] >> 3 & 3) == 3;
  return mpeg1 ? static_cast<size_t>(frame[at]) << 1 | frame[at + 1] >> 7 : frame[at];
}

bool is_free_format(std::span<const unsigned char> bytes) {
  return is_header(bytes) && bytes[2] >> 4 == 0;
}

}  // namespace s2i
