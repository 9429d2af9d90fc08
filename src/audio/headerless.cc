#include "audio/headerless.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace s2i {
namespace {

HeaderlessCheck check_gsm(FileWindow& file) {
  constexpr uint64_t kFrameBytes = 33;
  HeaderlessCheck check;
  check.valid_bytes = file.size() / kFrameBytes * kFrameBytes;
  for (uint64_t frame = 0; frame < file.size(); frame += kFrameBytes) {
    const auto first = file.number(frame, 1, Endian::kLittle);
    if (!first || *first >> 4 != 0xD) {
      if (frame == 0) return check;
      check.damage = fmt::format("no GSM frame at byte {}", frame);
      check.valid_bytes = std::min(check.valid_bytes, frame);
      break;
    }
  }
  check.format = HeaderlessFormat::kGsm;
  if (!check.damage && file.size() % kFrameBytes != 0) {
    check.damage = fmt::format("the last GSM frame is truncated: {} of {} bytes",
                               file.size() % kFrameBytes, kFrameBytes);
  }
  return check;
}

bool is_text(FileWindow& file) {
  const auto head = file.bytes(0, static_cast<size_t>(std::min<uint64_t>(file.size(), 512)));
  return head && std::all_of(head->begin(), head->end(), [](unsigned char c) {
           return std::isprint(c) != 0 || std::isspace(c) != 0;
         });
}

}  // namespace

HeaderlessCheck check_headerless(const std::filesystem::path& path, FileWindow& file) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".gsm") return check_gsm(file);
  if (extension == ".vox" && !is_text(file)) {
    return {HeaderlessFormat::kVox, std::nullopt, file.size()};
  }
  return {};
}

}  // namespace s2i
