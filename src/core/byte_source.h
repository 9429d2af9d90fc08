// Bytes that can be read from any place: a file, or what a test made up. Readers of files from
// outside take one of these and copy what they check, so that nothing changes between check and
// use. No file is mapped: one that is cut short while it is mapped ends the process (SIGBUS).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "core/error.h"

namespace s2i {

class ByteSource {
 public:
  ByteSource() = default;
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  virtual uint64_t size() const = 0;

  /// Fills `to` with the bytes from `offset` on. Any thread may. Throws RunError if there are
  /// fewer, or if they cannot be read.
  virtual void read(uint64_t offset, std::span<std::byte> to) const = 0;
};

/// Bytes in memory, which have to stay there.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t size() const override { return bytes_.size(); }

  void read(uint64_t offset, std::span<std::byte> to) const override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) {
      throw RunError("bytes {} to {} of {}", offset, offset + to.size(), bytes_.size());
    }
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace s2i
