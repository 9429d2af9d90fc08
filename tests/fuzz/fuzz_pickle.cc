#include "fuzzing.h"
#include "weights/pickle_reader.h"

using namespace s2i;

// The input is data.pkl of a pytorch_model.bin. Every tensor must be within its storage.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return accept_or_reject([&] {
    for (const PickledTensor& t : read_pickled_tensors(text_of(data, size), "fuzz")) {
      S2I_CHECK(t.sizes.size() == t.strides.size() && t.offset >= 0 && t.storage.count >= 0);
      long double last = static_cast<long double>(t.offset);  // 64 bits of precision, no overflow
      long double values = 1;
      for (size_t i = 0; i < t.sizes.size(); ++i) {
        S2I_CHECK(t.sizes[i] >= 0 && t.strides[i] >= 0);
        last += static_cast<long double>(t.sizes[i] - 1) * static_cast<long double>(t.strides[i]);
        values *= static_cast<long double>(t.sizes[i]);
      }
      const auto count = static_cast<long double>(t.storage.count);
      S2I_CHECK(values == 0 || (last < count && values <= count));
    }
  });
}
