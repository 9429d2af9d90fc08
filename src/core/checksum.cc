#include "core/checksum.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <new>

#include "core/files.h"

namespace s2i {

struct ChecksumStream::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
    XXH3_64bits_reset(xxh);
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  XXH3_state_t* xxh;
};

ChecksumStream::ChecksumStream() : state_(std::make_unique<State>()) {}
ChecksumStream::~ChecksumStream() = default;

void ChecksumStream::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(state_->xxh, bytes.data(), bytes.size());
}

uint64_t ChecksumStream::value() const { return XXH3_64bits_digest(state_->xxh); }

uint64_t checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

uint64_t checksum_file(const std::filesystem::path& path) {
  const MappedFile file(path);
  return checksum(file.bytes());
}

std::string checksum_text(uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace s2i
