#include "preprocess/utterance_processor.h"

#include <cstring>

#include "audio/quantize.h"
#include "core/checksum.h"
#include "core/clock.h"

namespace s2i {

ProcessedUtterance UtteranceProcessor::process(const CorpusRow& row) {
  ProcessedUtterance result;
  if (!row.problem.empty()) {
    result.problem = row.problem;
    return result;
  }
  std::span<const float> audio;
  try {
    audio = loader_.load(row.audio);
  } catch (const AudioError& error) {
    result.problem = error.what();
    return result;
  }
  const Stopwatch watch;
  result.bytes = audio.size() * bytes_per_sample(type_);
  result.samples = std::make_unique_for_overwrite<std::byte[]>(result.bytes);
  if (type_ == SampleType::kInt16) {
    // operator new returns memory with sufficient alignment for int16_t.
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
