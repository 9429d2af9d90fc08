#include "fuzzing.h"
#include "weights/zip_directory.h"

using namespace s2i;

// The input is a pytorch_model.bin, of which the ZIP directory is checked before LibTorch reads it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return accept_or_reject([&] {
    const MemorySource file(std::as_bytes(std::span(data, size)));
    uint64_t total = 0;
    for (const auto& record : read_zip_directory(file, "fuzz")) {
      S2I_CHECK(record.offset <= size && record.bytes <= size - record.offset);
      total += record.bytes;
    }
    S2I_CHECK(total <= size);
  });
}
