// XXH3-64 checksums (https://xxhash.com), written as 16 hexadecimal digits in JSON files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace s2i {

/// XXH3-64 of the bytes, seed 0.
uint64_t checksum(std::span<const std::byte> bytes);

/// XXH3-64 of a file's content. Throws RunError naming the file.
uint64_t checksum_file(const std::filesystem::path& path);

/// The value as 16 lower-case hexadecimal digits.
std::string checksum_text(uint64_t value);

/// Incremental XXH3-64: the same value as checksum() over the concatenated input.
class ChecksumStream {
 public:
  ChecksumStream();
  ~ChecksumStream();
  ChecksumStream(const ChecksumStream&) = delete;
  ChecksumStream& operator=(const ChecksumStream&) = delete;

  void update(std::span<const std::byte> bytes);
  uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace s2i
