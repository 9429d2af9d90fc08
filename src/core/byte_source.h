// Random-access input: a file, or a buffer in a test. Readers of untrusted files take a ByteSource
// and validate a private copy, so that the data cannot change between check and use. Files are
// never memory-mapped: truncating a mapped file kills the process with SIGBUS.
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

  /// Fills `to` with the bytes that start at `offset`. Thread-safe. Throws RunError on a read past
  /// the end or an I/O error.
  virtual void read(uint64_t offset, std::span<std::byte> to) const = 0;
};

/// Reads from memory. Does not own the bytes; they must outlive the object.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint64_t size() const override { return bytes_.size(); }

  void read(uint64_t offset, std::span<std::byte> to) const override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) {
      throw RunError("cannot read bytes {} to {}: the size is {} bytes", offset, offset + to.size(),
                     bytes_.size());
    }
    if (!to.empty()) std::memcpy(to.data(), bytes_.data() + offset, to.size());
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace s2i
