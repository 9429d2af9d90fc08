#include "audio/load.h"

#include "audio/finite.h"
#include "audio/resample.h"
#include "core/clock.h"

namespace s2i {

std::span<const float> AudioLoader::load(const std::filesystem::path& path) {
  Stopwatch watch;
  decode_audio(path, options_, clip_);
  decode_seconds_ = watch.lap();
  resample_seconds_ = 0;
  if (clip_.sample_rate == target_rate_) return clip_.samples;
  resample(clip_.samples, clip_.sample_rate, target_rate_, resampled_);
  resample_seconds_ = watch.lap();
  if (resampled_.empty()) {
    throw AudioError(
        AudioProblem::kEmpty,
        fmt::format("{}: empty: too short for one sample at {} Hz", path.string(), target_rate_));
  }
  if (!all_finite(resampled_)) {  // filter overshoot can exceed the largest float
    throw AudioError(AudioProblem::kNotFinite,
                     fmt::format("{}: has samples too large to resample", path.string()));
  }
  return resampled_;
}

std::vector<float> load_audio(const std::filesystem::path& path, int target_rate,
                              const DecodeOptions& options) {
  AudioLoader loader(target_rate, options);
  const auto samples = loader.load(path);
  return {samples.begin(), samples.end()};
}

}  // namespace s2i
