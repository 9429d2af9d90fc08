#include "audio/file_window.h"

#include <unistd.h>

#include <algorithm>

namespace s2i {

std::optional<std::span<const unsigned char>> FileWindow::bytes(uint64_t offset, size_t count) {
  if (offset > size_ || size_ - offset < count) return std::nullopt;
  const uint64_t block_end = block_offset_ + block_.size();
  if (offset < block_offset_ || offset + count > block_end) {
    block_.resize(std::min<uint64_t>(std::max(count, block_bytes_), size_ - offset));
    size_t done = 0;
    while (done < block_.size()) {
      const ssize_t got = ::pread(descriptor_, block_.data() + done, block_.size() - done,
                                  static_cast<off_t>(offset + done));
      if (got <= 0) break;
      done += static_cast<size_t>(got);
    }
    block_.resize(done);
    block_offset_ = offset;
    if (done < count) return std::nullopt;
  }
  return std::span<const unsigned char>(block_).subspan(offset - block_offset_, count);
}

std::optional<uint64_t> FileWindow::number(uint64_t offset, size_t count, Endian endian) {
  const auto field = bytes(offset, count);
  if (!field) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = value << 8 | (*field)[endian == Endian::kBig ? i : count - 1 - i];
  }
  return value;
}

bool FileWindow::starts(uint64_t offset, std::string_view text) {
  const auto field = bytes(offset, text.size());
  return field && std::equal(text.begin(), text.end(), field->begin(),
                             [](char a, unsigned char b) { return a == static_cast<char>(b); });
}

bool FileWindow::all_zero(uint64_t offset, uint64_t end) {
  while (offset < end) {
    const auto count = static_cast<size_t>(std::min<uint64_t>(end - offset, block_bytes_));
    const auto part = bytes(offset, count);
    if (!part) return false;
    if (std::any_of(part->begin(), part->end(), [](unsigned char byte) { return byte != 0; })) {
      return false;
    }
    offset += count;
  }
  return true;
}

}  // namespace s2i
