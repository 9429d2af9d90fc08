// Random access to the bytes of an open file, with a cache of one block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace s2i {

enum class Endian { kLittle, kBig };

/// Does not change the file position. Does not own the descriptor.
class FileWindow {
 public:
  /// Reads `block_bytes` at once: choose few for headers and many for a complete file.
  FileWindow(int descriptor, uint64_t file_bytes, size_t block_bytes = 512)
      : descriptor_(descriptor), size_(file_bytes), block_bytes_(block_bytes) {}

  /// `count` bytes at `offset`, valid until the next call. Nothing if they are past the end of the
  /// file.
  std::optional<std::span<const unsigned char>> bytes(uint64_t offset, size_t count);

  /// An unsigned integer of 1 to 8 bytes.
  std::optional<uint64_t> number(uint64_t offset, size_t count, Endian endian);

  /// Whether `text` is at `offset`.
  bool starts(uint64_t offset, std::string_view text);

  /// Whether every byte in [offset, end) is zero.
  bool all_zero(uint64_t offset, uint64_t end);

  uint64_t size() const { return size_; }

 private:
  int descriptor_;
  uint64_t size_;
  size_t block_bytes_;
  std::vector<unsigned char> block_;
  uint64_t block_offset_ = 0;
};

}  // namespace s2i
