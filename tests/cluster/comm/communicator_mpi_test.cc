// Collectives on any number of ranks, compared with results computed locally from the known inputs
// of all ranks.
#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/mpi_test.h"
#include "core/error.h"

namespace s2i {
namespace {

/// The input of `rank`: small whole numbers, exact in every type, also when summed over 8 ranks.
at::Tensor values_of(int rank, int64_t count, at::ScalarType type) {
  return ((at::arange(count, at::kLong) * 7 + rank * 3) % 13).to(test_device(), type);
}

at::Tensor sum_over_ranks(int size, int64_t count, at::ScalarType type) {
  auto sum = at::zeros({count}, at::TensorOptions(test_device()).dtype(at::kDouble));
  for (int rank = 0; rank < size; ++rank) sum += values_of(rank, count, at::kDouble);
  return sum.to(test_device(), type);
}

/// Element type, number of elements, largest message in bytes.
struct Case {
  at::ScalarType type;
  int64_t count;
  int64_t max_message_bytes;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto type : {at::kFloat, at::kBFloat16, at::kDouble, at::kInt, at::kLong, at::kByte}) {
    for (const int64_t count : {0, 7, 100003}) all.push_back({type, count, int64_t{1} << 30});
    all.push_back({type, 1001, 256});  // many parts, the last one shorter
    all.push_back({type, 5, 1});       // less than one element per message
  }
  return all;
}

class Collectives : public testing::TestWithParam<Case> {
 protected:
  Collectives() : communicator_(test_communicator(GetParam().max_message_bytes)) {}

  int rank() const { return communicator_->rank(); }
  int size() const { return communicator_->size(); }
  at::Tensor mine() const { return values_of(rank(), GetParam().count, GetParam().type); }

  std::unique_ptr<Communicator> communicator_;
};

TEST_P(Collectives, AllReduceSums) {
  auto tensor = mine();
  communicator_->all_reduce_sum(tensor);
  EXPECT_TRUE(at::equal(tensor, sum_over_ranks(size(), GetParam().count, GetParam().type)));
}

TEST_P(Collectives, AllReduceFindsTheLargest) {
  auto expected = values_of(0, GetParam().count, GetParam().type);
  for (int one = 1; one < size(); ++one) {
    expected = at::maximum(expected, values_of(one, GetParam().count, GetParam().type));
  }
  auto tensor = mine();
  communicator_->all_reduce_max(tensor);
  EXPECT_TRUE(at::equal(tensor, expected));
}

TEST_P(Collectives, BroadcastComesFromTheRoot) {
  const int root = size() - 1;
  auto tensor = mine();
  communicator_->broadcast(tensor, root);
  EXPECT_TRUE(at::equal(tensor, values_of(root, GetParam().count, GetParam().type)));
}

TEST_P(Collectives, AllGatherKeepsTheOrderOfRanks) {
  const auto gathered = communicator_->all_gather(mine());
  for (int one = 0; one < size(); ++one) {
    EXPECT_TRUE(at::equal(gathered[one], values_of(one, GetParam().count, GetParam().type)));
  }
}

TEST_P(Collectives, ReduceScatterGivesEachRankItsPart) {
  const int64_t whole = GetParam().count * size();
  const auto part = communicator_->reduce_scatter(values_of(rank(), whole, GetParam().type));
  const auto sum = sum_over_ranks(size(), whole, GetParam().type);
  EXPECT_TRUE(at::equal(part, sum.narrow(0, rank() * GetParam().count, GetParam().count)));
}

TEST_P(Collectives, AllToAllSendsPartQToRankQ) {
  const int64_t count = GetParam().count;
  const auto output = communicator_->all_to_all(values_of(rank(), count * size(), GetParam().type));
  for (int one = 0; one < size(); ++one) {
    const auto sent = values_of(one, count * size(), GetParam().type);
    EXPECT_TRUE(
        at::equal(output.narrow(0, one * count, count), sent.narrow(0, rank() * count, count)));
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(c10::toString(info.param.type)) + "_" + std::to_string(info.param.count) +
         "_by_" + std::to_string(info.param.max_message_bytes);
}

INSTANTIATE_TEST_SUITE_P(TypesAndSizes, Collectives, testing::ValuesIn(cases()), case_name);

TEST(Communicator, BFloat16SumsAreRoundedToNearest) {
  const auto communicator = test_communicator();
  // 256 + 1 is halfway between 256 and 258 in bfloat16, and goes to the even one each time.
  auto tensor =
      at::full({3}, communicator->rank() == 0 ? 256.0 : 1.0).to(test_device(), at::kBFloat16);
  communicator->all_reduce_sum(tensor);
  const double sum = tensor[0].item<double>();
  EXPECT_GE(sum, 256);
  EXPECT_LE(sum, 256 + communicator->size());
}

TEST(Communicator, SumsAreBitIdenticalOnAllRanks) {
  const auto communicator = test_communicator();
  at::manual_seed(17 + static_cast<uint64_t>(communicator->rank()));
  auto tensor = at::randn({20011}).to(test_device());
  communicator->all_reduce_sum(tensor);
  const auto gathered = communicator->all_gather(tensor);
  for (int one = 0; one < communicator->size(); ++one)
    EXPECT_TRUE(at::equal(gathered[one], tensor));
}

TEST(Communicator, NonBlockingCollectivesOverlapAndAreWaitedForInAnyOrder) {
  const auto communicator = test_communicator();
  std::vector<at::Tensor> tensors;
  std::vector<std::unique_ptr<PendingCollective>> pending;
  for (int i = 0; i < 10; ++i) {
    tensors.push_back(values_of(communicator->rank(), 100 + i, at::kFloat));
    pending.push_back(communicator->start_all_reduce(tensors.back(), ReduceOp::kSum));
  }
  for (int i = 9; i >= 0; --i) {
    const auto index = static_cast<size_t>(i);
    pending[index]->wait();
    EXPECT_TRUE(
        at::equal(tensors[index], sum_over_ranks(communicator->size(), 100 + i, at::kFloat)));
    EXPECT_TRUE(pending[index]->test());  // on a GPU too: the comparison has waited for it
    const auto timing = pending[index]->timing();
    ASSERT_TRUE(timing.has_value());
    EXPECT_GE(timing->busy, timing->arrival);
  }
}

TEST(Communicator, TextsOfDifferentLengths) {
  const auto communicator = test_communicator();
  const auto text_of = [](int rank) {
    return std::string(static_cast<size_t>(rank * 5), 'a') + '\0';
  };
  const auto texts = communicator->gather_text(text_of(communicator->rank()));
  ASSERT_EQ(texts.size(), static_cast<size_t>(communicator->size()));
  for (int one = 0; one < communicator->size(); ++one) {
    EXPECT_EQ(texts[static_cast<size_t>(one)], text_of(one));
  }
  EXPECT_EQ(communicator->broadcast_text(text_of(communicator->rank()), communicator->size() - 1),
            text_of(communicator->size() - 1));
  EXPECT_THAT(communicator->gather_text(""), testing::Each(""));
}

// Needs 2 GiB per rank: --gtest_also_run_disabled_tests.
TEST(Communicator, DISABLED_MoreThan2To31Elements) {
  const auto communicator = test_communicator();
  const int64_t count = (int64_t{1} << 31) + 9;
  auto tensor = at::ones({count}, at::kByte);
  communicator->all_reduce_sum(tensor);
  EXPECT_TRUE((tensor == communicator->size()).all().item<bool>());
  if (communicator->rank() == 0) tensor.fill_(7);
  communicator->broadcast(tensor, 0);
  EXPECT_EQ(tensor[count - 1].item<int>(), 7);
  EXPECT_EQ(tensor.max().item<int>() - tensor.min().item<int>(), 0);
}

TEST(Communicator, RanksInDifferentCollectivesAreAnErrorWithTheCollectiveOfEach) {
  const auto communicator = test_communicator();
  if (communicator->size() == 1) GTEST_SKIP() << "needs two ranks";
  auto tensor =
      at::zeros({communicator->rank() == 1 ? 5 : 4});  // a CPU tensor: NCCL does not check
  try {
    communicator->all_reduce_sum(tensor, "loss");
    FAIL() << "no error";
  } catch (const RunError& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("rank 1: collective 0, all-reduce (sum) of 5"));
    EXPECT_THAT(error.what(), testing::HasSubstr("of 4 elements of Float, loss"));
  }
  // The ranks remain out of step: later collectives fail at once.
  EXPECT_THROW(communicator->barrier(), RunError);
}

TEST(Communicator, ARankThatDoesNotJoinIsAnErrorAfterTheTimeLimit) {
  if (test_session().size() == 1) GTEST_SKIP() << "needs two ranks";
  const auto patient = test_communicator();
  const auto hasty = make_mpi_communicator(test_session(), {.time_limit_seconds = 0.2});
  if (patient->rank() != 0) {
    EXPECT_THROW(hasty->barrier("step 12"), RunError);
  }
  patient->barrier();
}

}  // namespace
}  // namespace s2i
