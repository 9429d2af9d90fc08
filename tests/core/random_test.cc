#include "core/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace s2i {
namespace {

TEST(Random, PhiloxMatchesThePublishedTestVectors) {
  // Known-answer tests of Random123 (kat_vectors, philox4x32 10).
  const PhiloxBlock zero = philox(0, 0, 0);
  EXPECT_EQ(zero.word[0], 0x6627e8d5U);
  EXPECT_EQ(zero.word[1], 0xe169c58dU);
  EXPECT_EQ(zero.word[2], 0xbc57ac4cU);
  EXPECT_EQ(zero.word[3], 0x9b00dbd8U);
  const PhiloxBlock ones = philox(~0ULL, ~0ULL, ~0ULL);
  EXPECT_EQ(ones.word[0], 0x408f276dU);
  EXPECT_EQ(ones.word[1], 0x41c83b0eU);
  EXPECT_EQ(ones.word[2], 0xa20bc7c6U);
  EXPECT_EQ(ones.word[3], 0x6d5451fdU);
}

TEST(Random, KeysDependOnEveryPartAndItsPosition) {
  std::set<uint64_t> keys;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    for (uint64_t a = 0; a < 10; ++a) {
      for (uint64_t b = 0; b < 10; ++b) keys.insert(derive_key(seed, a, b));
    }
  }
  EXPECT_EQ(keys.size(), 1000U);
}

TEST(Random, BelowIsUniform) {
  RandomStream stream(derive_key(1, 2));
  std::vector<int> count(7);
  for (int i = 0; i < 70000; ++i) ++count[stream.below(7)];
  for (const int c : count) EXPECT_NEAR(c, 10000, 500);
}

TEST(Random, ShuffleIsAPermutationAndDependsOnTheKey) {
  std::vector<int> a(100);
  std::iota(a.begin(), a.end(), 0);
  std::vector<int> b = a;
  const std::vector<int> sorted = a;
  RandomStream(1).shuffle(a);
  RandomStream(2).shuffle(b);
  EXPECT_NE(a, sorted);
  EXPECT_NE(a, b);
  std::sort(a.begin(), a.end());
  EXPECT_EQ(a, sorted);
}

}  // namespace
}  // namespace s2i
