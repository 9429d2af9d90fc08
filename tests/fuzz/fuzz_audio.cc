#include <cmath>
#include <optional>

#include "audio/load.h"
#include "fuzzing.h"

using namespace s2i;

namespace {

constexpr int kRate = 16000;
constexpr double kMaxSeconds = 2;

/// Returns nothing if the file is rejected.
std::optional<std::vector<float>> load(const std::filesystem::path& path, bool accept_damaged) {
  DecodeOptions options;
  options.max_seconds = kMaxSeconds;
  options.accept_damaged = accept_damaged;
  try {
    const std::vector<float> samples = load_audio(path, kRate, options);
    S2I_CHECK(!samples.empty() && samples.size() <= static_cast<size_t>(kRate * (kMaxSeconds + 2)));
    for (const float sample : samples) S2I_CHECK(std::isfinite(sample));
    return samples;
  } catch (const AudioError&) {
    return std::nullopt;
  }
}

}  // namespace

// The input is an audio file of any format. The extension matters only for contents without a known
// header.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  const auto path = folder.write("a.gsm", text_of(data, size));
  return accept_or_reject([&] {
    const auto samples = load(path, false);
    const auto with_damage = load(path, true);
    // accept_damaged must not change the result for a valid file.
    if (samples) S2I_CHECK(samples == with_damage);
  });
}
