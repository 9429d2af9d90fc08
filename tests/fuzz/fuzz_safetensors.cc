#include "fuzzing.h"
#include "weights/safetensors_header.h"

using namespace s2i;

// The input is a safetensors file: 8 bytes of length, a JSON header, values.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return accept_or_reject([&] {
    const MemorySource file(std::as_bytes(std::span(data, size)));
    const SafetensorsHeader header = read_safetensors_header(file, "fuzz");
    uint64_t end = 0;
    for (const auto& entry : header.entries) {
      S2I_CHECK(end == 0 || entry.offset == end);
      end = entry.offset + entry.bytes;
      uint64_t values = 1;
      for (const int64_t n : entry.shape) {
        S2I_CHECK(n >= 0);
        values *= static_cast<uint64_t>(n);
      }
      S2I_CHECK(values * bytes_of(entry.type) == entry.bytes);
    }
    S2I_CHECK(end == 0 || end == size);
  });
}
