#include "audio/resample.h"

#include <soxr.h>

#include <memory>
#include <type_traits>

#include "core/error.h"

namespace s2i {
namespace {

struct SoxrDeleter {
  void operator()(soxr_t resampler) const { soxr_delete(resampler); }
};
using SoxrHandle = std::unique_ptr<std::remove_pointer_t<soxr_t>, SoxrDeleter>;

// Creates a handle for each call. Reusing one does not help because soxr_clear() also discards its
// filters (measured: 40 us of 325 us for 4.2 s of 8 kHz speech in both cases).
SoxrHandle make_resampler(int from_rate, int to_rate) {
  soxr_error_t error = nullptr;
  const soxr_io_spec_t io = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t runtime = soxr_runtime_spec(1);
  SoxrHandle resampler(soxr_create(from_rate, to_rate, 1, &error, &io, &quality, &runtime));
  if (error != nullptr) {
    throw RunError("cannot resample from {} Hz to {} Hz: {}", from_rate, to_rate, error);
  }
  return resampler;
}

}  // namespace

void resample(std::span<const float> input, int from_rate, int to_rate,
              std::vector<float>& output) {
  if (from_rate == to_rate) {
    output.assign(input.begin(), input.end());
    return;
  }
  const SoxrHandle resampler = make_resampler(from_rate, to_rate);
  constexpr size_t kSlack = 64;
  output.resize(input.size() * static_cast<size_t>(to_rate) / static_cast<size_t>(from_rate) +
                kSlack);
  size_t produced = 0;
  bool ended = false;  // all input consumed: null input now flushes the filter
  while (true) {
    size_t taken = 0;
    size_t made = 0;
    const soxr_error_t error =
        soxr_process(resampler.get(), ended ? nullptr : input.data(), ended ? 0 : input.size(),
                     &taken, output.data() + produced, output.size() - produced, &made);
    if (error != nullptr) {
      throw RunError("cannot resample from {} Hz to {} Hz: {}", from_rate, to_rate, error);
    }
    produced += made;
    if (ended && made == 0) break;
    if (produced == output.size()) output.resize(output.size() + kSlack);
    if (!ended) {
      input = input.subspan(taken);
      ended = input.empty();
    }
  }
  output.resize(produced);
}

std::string resampler_name() { return std::string(soxr_version()) + " HQ"; }

}  // namespace s2i
