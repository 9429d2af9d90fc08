#include <cmath>

#include "audio/load.h"
#include "fuzzing.h"

using namespace s2i;

// The input is an audio file of any format.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  constexpr int kRate = 16000;
  constexpr double kMaxSeconds = 2;
  static const FuzzFolder folder;
  const auto path = folder.write("a", text_of(data, size));
  return accept_or_reject([&] {
    const std::vector<float> samples = load_audio(path, kRate, kMaxSeconds);
    S2I_CHECK(!samples.empty() && samples.size() <= static_cast<size_t>(kRate * (kMaxSeconds + 2)));
    for (const float sample : samples) S2I_CHECK(std::isfinite(sample));
  });
}
