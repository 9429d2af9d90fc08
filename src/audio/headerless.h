// Files of samples without a header, whose extension alone says what they are.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "audio/file_window.h"

namespace s2i {

enum class HeaderlessFormat {
  kGsm,  ///< .gsm: GSM 06.10, frames of 33 bytes, 8 kHz mono
  kVox,  ///< .vox: Dialogic ADPCM, 4 bits a sample, 8 kHz mono
};

constexpr int kHeaderlessRate = 8000;  ///< Hz

struct HeaderlessCheck {
  std::optional<HeaderlessFormat> format;
  std::optional<std::string> damage;  ///< A clause.
  uint64_t valid_bytes = 0;           ///< Whole frames from the start.
};

/// By the extension, and by the contents where they tell: every GSM frame starts with the bits
/// 1101, and a text is no audio.
HeaderlessCheck check_headerless(const std::filesystem::path& path, FileWindow& file);

}  // namespace s2i
