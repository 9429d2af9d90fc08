#include "preprocess/utterance_worker.h"

#include <cmath>
#include <cstring>

#include "audio/quantize.h"
#include "core/checksum.h"
#include "core/clock.h"
#include "preprocess/missing_file.h"
#include "preprocess/unicode.h"

namespace s2i {

std::span<const float> UtteranceWorker::load(const CorpusRow& row) {
  const auto audio = loader_.load(row.audio);
  const auto min_samples = static_cast<size_t>(std::llround(min_seconds_ * sample_rate_));
  if (audio.size() < min_samples) {
    throw AudioError(AudioProblem::kTooShort,
                     fmt::format("{}: {:g} s long, under the minimum of {:g} s (--min-seconds)",
                                 row.audio.string(),
                                 static_cast<double>(audio.size()) / sample_rate_, min_seconds_));
  }
  return audio;
}

PreparedUtterance UtteranceWorker::prepare(const CorpusRow& row) {
  PreparedUtterance result;
  if (!row.problem.empty()) {
    result.problem = row.problem;
    return result;
  }
  std::span<const float> audio;
  try {
    audio = load(row);
  } catch (const AudioError& error) {
    result.problem = printable(error.what());
    if (error.problem() == AudioProblem::kNotFound) {
      const std::string hint = printable(missing_file_hint(row.audio));
      if (!hint.empty()) result.problem += "; " + hint;
    }
    return result;
  }
  const Stopwatch watch;
  result.bytes = audio.size() * bytes_per_sample(type_);
  result.samples = std::make_unique_for_overwrite<std::byte[]>(result.bytes);
  if (type_ == SampleType::kInt16) {
    // operator new gives memory aligned for any type of ordinary size.
    const std::span to(reinterpret_cast<int16_t*>(result.samples.get()), audio.size());
    result.clipped_samples = quantize_int16(audio, to);
  } else {
    std::memcpy(result.samples.get(), audio.data(), result.bytes);
  }
  result.checksum = checksum(result.view());
  result.convert_seconds = watch.seconds();
  result.source_rate = static_cast<uint32_t>(loader_.source_rate());
  result.decode_seconds = loader_.decode_seconds();
  result.resample_seconds = loader_.resample_seconds();
  return result;
}

}  // namespace s2i
