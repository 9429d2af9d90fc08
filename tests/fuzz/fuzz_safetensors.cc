#include "fuzzing.h"
#include "model/safetensors_header.h"

using namespace s2i;

// The bytes are a file: 8 bytes of length, a JSON header, values.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return read_or_refuse([&] {
    const auto file = std::as_bytes(std::span(data, size));
    const SafetensorsHeader header = read_safetensors_header(file, "fuzz");
    size_t covered = 0;
    const std::byte* end = nullptr;
    for (const auto& entry : header.entries) {
      S2I_CHECK(entry.values.empty() || end == nullptr || entry.values.data() == end);
      if (!entry.values.empty()) end = entry.values.data() + entry.values.size();
      uint64_t values = 1;
      for (const int64_t n : entry.shape) {
        S2I_CHECK(n >= 0);
        values *= static_cast<uint64_t>(n);
      }
      S2I_CHECK(values * bytes_of(entry.type) == entry.values.size());
      covered += entry.values.size();
    }
    S2I_CHECK(covered <= size && (end == nullptr || end == file.data() + size));
  });
}
