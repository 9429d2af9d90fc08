#include "data/epoch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "core/random.h"

namespace s2i {
namespace {

/// 1,003 utterances of 1 to 8 seconds at 16 kHz.
struct Corpus {
  Corpus() : utterances(1003), lengths(1003) {
    std::iota(utterances.begin(), utterances.end(), 0U);
    RandomStream random(7);
    for (auto& length : lengths) length = 16000 + random.below(7 * 16000);
  }
  std::vector<uint32_t> utterances;
  std::vector<int64_t> lengths;
};

std::vector<uint32_t> flatten(const EpochPlan& plan) {
  std::vector<uint32_t> all;
  for (int64_t i = 0; i < plan.num_steps(); ++i) {
    for (const auto& micro : plan.step(i).micro_batches) {
      all.insert(all.end(), micro.utterances.begin(), micro.utterances.end());
    }
  }
  return all;
}

TEST(EpochPlan, HasEachUtteranceOnce) {
  const Corpus corpus;
  const EpochPlan plan(corpus.utterances, corpus.lengths, {32, 0, 8}, 1, 0, 1);
  EXPECT_EQ(plan.num_steps(), EpochPlan::count_steps(1003, {32, 0, 8}));
  std::vector<uint32_t> all = flatten(plan);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, corpus.utterances);
}

TEST(EpochPlan, IsAFunctionOfSeedAndEpoch) {
  const Corpus corpus;
  const auto order = [&](uint64_t seed, int64_t epoch) {
    return flatten(EpochPlan(corpus.utterances, corpus.lengths, {32, 0, 8}, seed, epoch, 1));
  };
  EXPECT_EQ(order(1, 0), order(1, 0));
  EXPECT_NE(order(1, 0), order(1, 1));
  EXPECT_NE(order(1, 0), order(2, 0));
}

TEST(EpochPlan, GlobalBatchesDoNotDependOnTheWorldSize) {
  const Corpus corpus;
  const EpochPlan one_rank(corpus.utterances, corpus.lengths, {30, 0, 8}, 1, 0, 1);
  for (const int world : {2, 3, 4, 7}) {
    const EpochPlan plan(corpus.utterances, corpus.lengths, {30, 0, 8}, 1, 0, world);
    ASSERT_EQ(plan.num_steps(), one_rank.num_steps());
    for (int64_t i = 0; i < plan.num_steps(); ++i) {
      std::set<uint32_t> all_ranks;
      size_t count = 0;
      for (int rank = 0; rank < world; ++rank) {
        for (const auto& micro : plan.step(i).of_rank(rank, world)) {
          all_ranks.insert(micro.utterances.begin(), micro.utterances.end());
          count += micro.utterances.size();
        }
      }
      const auto expected = one_rank.step(i).micro_batches.at(0).utterances;
      EXPECT_EQ(count, expected.size());
      EXPECT_EQ(all_ranks, std::set<uint32_t>(expected.begin(), expected.end()));
      EXPECT_EQ(plan.step(i).global_count, one_rank.step(i).global_count);
    }
  }
}

TEST(EpochPlan, MicroBatchesOfAFixedSizeDoNotDependOnTheWorldSize) {
  const Corpus corpus;
  const EpochPlan one(corpus.utterances, corpus.lengths, {32, 8, 8}, 1, 0, 1);
  const EpochPlan four(corpus.utterances, corpus.lengths, {32, 8, 8}, 1, 0, 4);
  for (int64_t i = 0; i < one.num_steps(); ++i) {
    const StepPlan a = one.step(i);
    const StepPlan b = four.step(i);
    ASSERT_EQ(a.micro_batches.size(), b.micro_batches.size());
    for (size_t m = 0; m < a.micro_batches.size(); ++m) {
      EXPECT_EQ(a.micro_batches[m].utterances, b.micro_batches[m].utterances);
    }
  }
}

TEST(EpochPlan, PadsUnderTenPercentWithPools) {
  const Corpus corpus;
  const EpochPlan pooled(corpus.utterances, corpus.lengths, {16, 0, 16}, 1, 0, 2);
  const EpochPlan unsorted(corpus.utterances, corpus.lengths, {16, 0, 1}, 1, 0, 2);
  EXPECT_LT(pooled.padding().fraction(), 0.10);
  EXPECT_LT(pooled.padding().fraction(), unsorted.padding().fraction());
}

TEST(EpochPlan, ShufflesTheBatchesOfAPool) {
  const Corpus corpus;
  const EpochPlan plan(corpus.utterances, corpus.lengths, {16, 0, 1000}, 1, 0, 1);
  int longer = 0;
  for (int64_t i = 1; i + 1 < plan.num_steps(); ++i) {
    const uint32_t previous = plan.step(i - 1).micro_batches[0].utterances[0];
    const uint32_t current = plan.step(i).micro_batches[0].utterances[0];
    longer += corpus.lengths[current] > corpus.lengths[previous] ? 1 : 0;
  }
  EXPECT_GT(longer, 10);
  EXPECT_LT(longer, plan.num_steps() - 10);
}

TEST(EvaluationPlan, HasEachUtteranceOnceOverAllRanks) {
  const Corpus corpus;
  const StepPlan plan = plan_evaluation(corpus.utterances, corpus.lengths, 16);
  std::vector<uint32_t> all;
  for (int rank = 0; rank < 3; ++rank) {
    for (const auto& micro : plan.of_rank(rank, 3)) {
      all.insert(all.end(), micro.utterances.begin(), micro.utterances.end());
    }
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, corpus.utterances);
}

TEST(Split, NeverTakesTheOnlyUtteranceOfALabel) {
  for (const double fraction : {0.1, 0.5, 0.9}) {
    const Split split = split_stratified(std::vector<int64_t>{0, 1, 1, 2}, fraction, 3);
    EXPECT_EQ(split.validation.size(), 1U);
    EXPECT_EQ(split.train.size(), 3U);
    EXPECT_EQ(split.train.front(), 0U);
    EXPECT_EQ(split.train.back(), 3U);
  }
}

TEST(Split, TakesTheFractionOfEachLabel) {
  std::vector<int64_t> labels;
  for (int i = 0; i < 200; ++i) labels.push_back(i % 4);
  labels.push_back(9);  // the only one of its label: must stay in training
  const Split split = split_stratified(labels, 0.1, 3);
  EXPECT_EQ(split.validation.size(), 20U);
  EXPECT_EQ(split.train.size() + split.validation.size(), labels.size());
  std::vector<int> count(10);
  for (const uint32_t u : split.validation) ++count[static_cast<size_t>(labels[u])];
  EXPECT_EQ(count, (std::vector<int>{5, 5, 5, 5, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(split_stratified(labels, 0.1, 3).validation, split.validation);
  EXPECT_NE(split_stratified(labels, 0.1, 4).validation, split.validation);
  EXPECT_TRUE(split_stratified(labels, 0.0, 3).validation.empty());
}

}  // namespace
}  // namespace s2i
