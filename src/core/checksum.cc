#include "core/checksum.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <new>
#include <vector>

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
  constexpr uint64_t kBlockBytes = 1 << 20;
  const InputFile file(path);
  std::vector<std::byte> block(std::min(file.size(), kBlockBytes));
  ChecksumStream stream;
  for (uint64_t offset = 0; offset < file.size(); offset += block.size()) {
    const auto chunk =
        std::span(block).first(std::min<uint64_t>(block.size(), file.size() - offset));
    file.read(offset, chunk);
    stream.update(chunk);
  }
  return stream.value();
}

std::string checksum_text(uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace s2i
