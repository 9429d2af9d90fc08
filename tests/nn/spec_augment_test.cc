#include "nn/spec_augment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

namespace s2i {
namespace {

// The bounds of transformers' _compute_mask_indices: probability * length / span, rounded at
// random.
TEST(SpanMasking, CountsAreThoseOfTransformers) {
  struct Case {
    int64_t length;
    SpanMasking masking;
    std::set<size_t> counts;
  };
  const std::vector<Case> cases = {
      {200, {0.05, 10, 2}, {2}},      // 1 expected, 2 at least
      {1000, {0.05, 10, 2}, {5}},     // 5 and less than 1
      {499, {0.075, 10, 2}, {3, 4}},  // 3.74
      {25, {0.05, 10, 2}, {2}},       // fits twice
      {19, {0.05, 10, 2}, {1}},       // fits once
      {9, {0.05, 10, 2}, {0}},        // does not fit
      {10, {0.9, 10, 0}, {0, 1}},     // one place
      {64, {0.0, 10, 0}, {0}},       {100, {1.0, 10, 0}, {10}},
  };
  for (const Case& c : cases) {
    std::set<size_t> seen;
    for (uint64_t key = 0; key < 400; ++key) {
      const auto starts = draw_spans(derive_key(key), c.length, c.masking);
      seen.insert(starts.size());
      EXPECT_EQ(std::set<int64_t>(starts.begin(), starts.end()).size(), starts.size());
      for (const int64_t start : starts) {
        EXPECT_GE(start, 0);
        EXPECT_LE(start + c.masking.span, c.length);
      }
    }
    EXPECT_EQ(seen, c.counts) << c.length;
  }
}

TEST(SpanMasking, RoundsUpAsOftenAsItShould) {
  double spans = 0;
  for (uint64_t key = 0; key < 5000; ++key) {
    spans += static_cast<double>(draw_spans(derive_key(key), 499, {0.075, 10, 0}).size());
  }
  EXPECT_NEAR(spans / 5000, 0.075 * 499 / 10, 0.03);
}

TEST(SpanMasking, EveryPlaceIsAsLikely) {
  std::map<int64_t, int> starts;
  for (uint64_t key = 0; key < 40000; ++key) {
    for (const int64_t s : draw_spans(derive_key(key), 13, {0.0, 4, 2})) ++starts[s];
  }
  ASSERT_EQ(starts.size(), 10U);
  for (const auto& [start, count] : starts) EXPECT_NEAR(count, 8000, 400) << start;
}

TEST(SpanMasking, ARowDependsOnItsKeyAndLengthAlone) {
  const SpanMasking masking{0.3, 5, 1};
  const auto purpose = RandomPurpose::kSpecAugmentTime;
  const at::Tensor all = span_mask({1, 2, 3}, purpose, {80, 50, 60}, 80, masking);
  EXPECT_TRUE(span_mask({2}, purpose, {50}, 50, masking)[0].equal(all[1].narrow(0, 0, 50)));
  EXPECT_FALSE(all[1].narrow(0, 50, 30).any().item<bool>());
  EXPECT_FALSE(span_mask({2}, RandomPurpose::kSpecAugmentFeature, {50}, 50, masking)[0].equal(
      all[1].narrow(0, 0, 50)));
}

}  // namespace
}  // namespace s2i
