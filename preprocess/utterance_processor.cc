#include "preprocess/utterance_processor.h"

#include <cmath>
#include <cstring>

#include "audio/quantize.h"
#include "audio/silence.h"
#include "core/checksum.h"
#include "core/clock.h"
#include "core/unicode.h"
#include "preprocess/missing_file.h"

namespace s2i {

std::span<const float> UtteranceProcessor::load(const CorpusRow& row) {
  const auto audio = loader_.load(row.audio);
  const auto min_samples = static_cast<size_t>(std::llround(min_seconds_ * sample_rate_));
  if (audio.size() < min_samples) {
    throw AudioError(
        AudioProblem::kTooShort,
        fmt::format("{}: {:g} s long, the minimum is {:g} s (--min-seconds)", row.audio.string(),
                    static_cast<double>(audio.size()) / sample_rate_, min_seconds_));
  }
  return audio;
}

ProcessedUtterance UtteranceProcessor::process(const CorpusRow& row) {
  ProcessedUtterance result;
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
    // operator new returns memory with sufficient alignment for int16_t.
    const std::span to(reinterpret_cast<int16_t*>(result.samples.get()), audio.size());
    result.clipped_samples = quantize_int16(audio, to);
  } else {
    std::memcpy(result.samples.get(), audio.data(), result.bytes);
  }
  result.is_silent = is_silent(audio);
  result.checksum = checksum(result.view());
  result.convert_seconds = watch.seconds();
  result.source_rate = static_cast<uint32_t>(loader_.source_rate());
  result.decode_seconds = loader_.decode_seconds();
  result.resample_seconds = loader_.resample_seconds();
  add_notes(result);
  return result;
}

void UtteranceProcessor::add_notes(ProcessedUtterance& utterance) const {
  auto& notes = utterance.notes;
  if (!loader_.damage().empty())
    notes.push_back({0, NoteKind::kDamaged, 0, printable(loader_.damage())});
  if (!loader_.warning().empty())
    notes.push_back({0, NoteKind::kUnusual, 0, printable(loader_.warning())});
  if (utterance.clipped_samples > 0) {
    notes.push_back({0, NoteKind::kClipped, utterance.clipped_samples, ""});
  }
  if (utterance.is_silent) {
    const int channels = loader_.source_channels();
    notes.push_back({0, NoteKind::kSilent, 0,
                     is_mean_ && channels > 1
                         ? fmt::format("the mean of {} channels; --channel selects one", channels)
                         : ""});
  }
}

}  // namespace s2i
