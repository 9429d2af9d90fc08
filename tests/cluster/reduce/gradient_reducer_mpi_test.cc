// Gradients reduced over ranks that each have some of the rows, compared with those of one process
// with all rows.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "cluster/mpi_test.h"
#include "cluster/reduce/gradient_reducer.h"
#include "cluster/toy_model.h"

namespace s2i {
namespace {

constexpr double kTinyBucket = 64.0 / (1 << 20);  // one bucket per parameter

/// Gradients of all rows at once, in the order of ToyModel::parameters().
std::vector<at::Tensor> reference(const at::Tensor& rows, bool skip) {
  const ToyModel model(test_device());
  if (rows.size(0) > 0) model.loss(rows, static_cast<double>(rows.size(0)), skip).backward();
  std::vector<at::Tensor> gradients;
  for (const auto& parameter : model.parameters()) {
    gradients.push_back(parameter.grad().defined() ? parameter.grad() : at::zeros_like(parameter));
  }
  return gradients;
}

void expect_gradients(const ToyModel& model, const std::vector<at::Tensor>& expected,
                      double tolerance) {
  const auto parameters = model.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    const auto scale = std::max(1e-6, expected[i].abs().max().item<double>());
    const auto error = (parameters[i].grad() - expected[i]).abs().max().item<double>();
    EXPECT_LE(error, tolerance * scale) << "parameter " << i;
  }
}

/// This rank's rows of `rows`: rank, rank + size, ... in `micro` parts.
std::vector<at::Tensor> micro_batches(const at::Tensor& rows, const Communicator& communicator,
                                      int64_t micro) {
  const auto mine = rows.index(
      {at::arange(communicator.rank(), std::max<int64_t>(rows.size(0), communicator.rank()),
                  communicator.size(), at::kLong)});
  return mine.size(0) == 0 ? std::vector<at::Tensor>() : mine.chunk(micro);
}

struct Setting {
  const char* name;
  double bucket_mib;
  ReduceType type;
  int64_t rows;
  int64_t micro;
  bool skip;
  bool look_at_loss;
};

class Reducer : public testing::TestWithParam<Setting> {};

TEST_P(Reducer, SumsOverRanksToTheGradientOfOneProcess) {
  const auto& setting = GetParam();
  const auto communicator = test_communicator();
  const ToyModel model(test_device());
  GradientReducer reducer(model.parameters(), *communicator,
                          {.bucket_mib = setting.bucket_mib, .type = setting.type});
  const auto rows = toy_rows(setting.rows).to(test_device());
  const double tolerance = setting.type == ReduceType::kBFloat16 ? 3e-2 : 5e-6;
  for (int step = 0; step < 3; ++step) {  // buffers are reused
    const bool skip = setting.skip && step != 1;
    reducer.zero();
    const auto parts = micro_batches(rows, *communicator, setting.micro);
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto loss = model.loss(parts[i], static_cast<double>(setting.rows), skip);
      const bool last = i + 1 == parts.size();
      setting.look_at_loss ? reducer.begin(last, loss) : reducer.begin(last);
      loss.backward();
    }
    if (parts.empty()) reducer.begin(true);
    const auto stats = reducer.finalize();
    expect_gradients(model, reference(rows, skip), tolerance);
    EXPECT_EQ(stats.buckets, reducer.num_buckets());
    EXPECT_GE(stats.hidden_share(), 0);
    if (setting.look_at_loss && !parts.empty()) {
      EXPECT_EQ(stats.overlapped_buckets, stats.buckets);
    }
  }
}

constexpr auto kFloat = ReduceType::kFloat32;
INSTANTIATE_TEST_SUITE_P(
    Settings, Reducer,
    testing::Values(Setting{"OneBucket", 25, kFloat, 24, 1, false, false},
                    Setting{"ManyBuckets", kTinyBucket, kFloat, 24, 1, false, false},
                    Setting{"Accumulation", kTinyBucket, kFloat, 24, 3, false, false},
                    Setting{"LayerDrop", kTinyBucket, kFloat, 24, 1, true, false},
                    Setting{"LayerDropKnown", kTinyBucket, kFloat, 24, 3, true, true},
                    Setting{"RanksWithoutWork", kTinyBucket, kFloat, 1, 1, false, true},
                    Setting{"FewRows", 25, kFloat, 3, 1, true, false},
                    Setting{"BFloat16", kTinyBucket, ReduceType::kBFloat16, 24, 2, true, true}),
    [](const auto& tested) { return tested.param.name; });

TEST(GradientReducer, GradientsAndNormAreBitIdenticalOnAllRanks) {
  const auto communicator = test_communicator();
  const ToyModel model(test_device());
  GradientReducer reducer(model.parameters(), *communicator, {.bucket_mib = kTinyBucket});
  reducer.zero();
  reducer.begin(true);
  const auto parts = micro_batches(toy_rows(50).to(test_device()), *communicator, 1);
  model.loss(parts.at(0), 50, false).backward();
  reducer.finalize();
  const auto gathered = communicator->all_gather(reducer.flat_gradients());
  const auto norms = communicator->all_gather(reducer.norm());
  for (int rank = 0; rank < communicator->size(); ++rank) {
    EXPECT_TRUE(at::equal(gathered[rank], gathered[0]));
    EXPECT_TRUE(at::equal(norms[rank], norms[0]));
  }
}

}  // namespace
}  // namespace s2i
