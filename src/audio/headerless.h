// Audio without a header, whose format follows only from the file name extension.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "audio/file_window.h"

namespace s2i {

enum class HeaderlessFormat {
  kGsm,  ///< .gsm: GSM 06.10, frames of 33 bytes, 8 kHz mono
  kVox,  ///< .vox: Dialogic ADPCM, 4 bits per sample, 8 kHz mono
};

constexpr int kHeaderlessRate = 8000;  ///< Hz

struct HeaderlessCheck {
  std::optional<HeaderlessFormat> format;
  std::optional<std::string> damage;  ///< Description of the damage.
  uint64_t valid_bytes = 0;           ///< Size of the valid frames at the start.
};

/// Checks the extension and the contents: every GSM frame starts with the bits 1101, and printable
/// text is not VOX audio.
HeaderlessCheck check_headerless(const std::filesystem::path& path, FileWindow& file);

}  // namespace s2i
