#include "nn/spec_augment.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>

#include "core/error.h"

namespace s2i {

std::vector<int64_t> draw_spans(uint64_t key, int64_t length, const SpanMasking& masking) {
  RandomStream random(key);
  const double expected =
      masking.probability * static_cast<double>(length) / static_cast<double>(masking.span);
  auto count = static_cast<int64_t>(expected + random.uniform());
  count = std::max(count, masking.min_spans);
  if (count * masking.span > length) count = length / masking.span;
  const int64_t places = length - (masking.span - 1);
  count = std::clamp<int64_t>(count, 0, std::max<int64_t>(places, 0));

  // The first `count` of a shuffled list of all places.
  std::vector<int64_t> starts(static_cast<size_t>(std::max<int64_t>(places, 0)));
  std::iota(starts.begin(), starts.end(), 0);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
    std::swap(starts[i], starts[i + random.below(static_cast<uint32_t>(starts.size() - i))]);
  }
  starts.resize(static_cast<size_t>(count));
  return starts;
}

at::Tensor span_mask(const std::vector<uint64_t>& keys, RandomPurpose purpose,
                     const std::vector<int64_t>& lengths, int64_t width,
                     const SpanMasking& masking) {
  S2I_CHECK(keys.size() == lengths.size());
  at::Tensor mask = at::zeros({static_cast<int64_t>(keys.size()), width}, at::kBool);
  bool* row = mask.mutable_data_ptr<bool>();
  for (size_t b = 0; b < keys.size(); ++b, row += width) {
    S2I_CHECK(lengths[b] <= width);
    for (const int64_t start : draw_spans(derive_key(keys[b], purpose), lengths[b], masking)) {
      std::fill_n(row + start, masking.span, true);
    }
  }
  return mask;
}

}  // namespace s2i
