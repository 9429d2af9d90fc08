#include "ops/dropout/dropout.h"

#include <cmath>

#include "op_testing.h"
#include "ops/dropout/dropout_reference.h"

namespace s2i {
namespace {

at::Tensor keys_of(std::vector<int64_t> keys) { return at::tensor(keys, at::kLong); }

TEST(Dropout, EqualsReference) {
  for (const int64_t columns : {1, 7, 8, 63, 64, 65, 200, 768}) {
    const at::Tensor x = random_tensor({2, 5, columns}, 1);
    const at::Tensor keys = keys_of({11, -5});
    EXPECT_TRUE(dropout(x, keys, 3, 0.3).equal(dropout_reference(x, keys, 3, 0.3))) << columns;
  }
  const at::Tensor weights = random_tensor({2, 3, 4, 37}, 2);
  EXPECT_TRUE(dropout(weights, keys_of({1, 2}), 0, 0.1)
                  .equal(dropout_reference(weights, keys_of({1, 2}), 0, 0.1)));
}

TEST(Dropout, TransposedInputEqualsReference) {
  const at::Tensor x = random_tensor({2, 9, 5}, 1).transpose(1, 2);
  EXPECT_TRUE(
      dropout(x, keys_of({1, 2}), 3, 0.3).equal(dropout_reference(x, keys_of({1, 2}), 3, 0.3)));
}

TEST(Dropout, KeepsTheSameElementsInBFloat16) {
  const at::Tensor x = random_tensor({2, 9, 100}, 1);
  const at::Tensor keys = keys_of({4, 5});
  const at::Tensor y = dropout(x.to(at::kBFloat16), keys, 1, 0.25);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const at::Tensor expected = dropout_reference(x, keys, 1, 0.25);
  EXPECT_TRUE((y == 0).equal(expected == 0));
  EXPECT_LT(relative_error(y, expected), 0.01);
}

TEST(Dropout, DropsTheGivenFractionAndKeepsTheMean) {
  const at::Tensor ones = at::ones({4, 1000, 250});
  const at::Tensor y = dropout(ones, keys_of({1, 2, 3, 4}), 0, 0.1);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.1, 0.001);
  EXPECT_NEAR(y.mean().item<double>(), 1.0, 0.001);
}

TEST(Dropout, BitsDependOnTheUtteranceOnly) {
  const at::Tensor x = at::ones({3, 20, 40});
  const at::Tensor all = dropout(x, keys_of({7, 8, 9}), 2, 0.5);
  // Alone, at another index of the batch, and with less padding.
  EXPECT_TRUE(dropout(at::ones({1, 20, 40}), keys_of({8}), 2, 0.5)[0].equal(all[1]));
  EXPECT_TRUE(
      dropout(at::ones({1, 12, 40}), keys_of({9}), 2, 0.5)[0].equal(all[2].narrow(0, 0, 12)));
  const at::Tensor weights = dropout(at::ones({1, 2, 20, 20}), keys_of({7}), 2, 0.5);
  EXPECT_TRUE(dropout(at::ones({1, 2, 11, 11}), keys_of({7}), 2, 0.5)
                  .equal(weights.narrow(2, 0, 11).narrow(3, 0, 11)));
  // Another key or site gives other bits.
  EXPECT_FALSE(all[0].equal(all[1]));
  EXPECT_FALSE(dropout(x, keys_of({7, 8, 9}), 3, 0.5).equal(all));
}

TEST(Dropout, GradientKeepsTheSameElements) {
  const at::Tensor x = random_leaf({2, 6, 30}, 3);
  const at::Tensor keys = keys_of({1, 2});
  dropout(x, keys, 0, 0.4).sum().backward();
  EXPECT_TRUE(x.grad().equal(dropout_reference(at::ones_like(x), keys, 0, 0.4)));
}

TEST(Dropout, GradientsEqualDifferences) {
  const Operation operation = [](const auto& in) {
    return dropout(in[0], keys_of({1, 2}), 0, 0.4);
  };
  expect_gradients_by_differences(operation, operation, {random_leaf({2, 6, 30}, 3)},
                                  random_tensor({2, 6, 30}, 4), 0.5, 1e-5);
}

TEST(Dropout, ZeroReturnsTheInput) {
  const at::Tensor x = random_tensor({1, 2, 3}, 1);
  EXPECT_TRUE(dropout(x, at::Tensor(), 0, 0).is_same(x));
}

TEST(Dropout, SameBitsForAnyThreads) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    expect_same_bits_for_any_threads(
        [&](const auto& in) {
          return dropout(in[0].to(type), keys_of({1, 2}), 0, 0.4);
        },
        {random_leaf({2, 300, 200}, 3)});
  }
}

TEST(Dropout, MetaEqualsCpu) {
  for (const auto& shape : {std::vector<int64_t>{2, 6, 30}, {2, 3, 6, 6}}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      expect_meta_equals_cpu(
          [](const auto& in) {
            return dropout(in[0], keys_of({1, 2}).to(in[0].device()), 0, 0.4);
          },
          leaves_like({random_leaf(shape, 3)}, type));
    }
  }
}

TEST(Dropout, RefusesOtherArguments) {
  const at::Tensor x = random_tensor({2, 6, 30}, 3);
  EXPECT_THROW(dropout(x, keys_of({1}), 0, 0.4), std::logic_error);
  EXPECT_THROW(dropout(x[0], keys_of({1, 2}), 0, 0.4), std::logic_error);
  EXPECT_THROW(dropout(x, keys_of({1, 2}), 0, 1), std::logic_error);
  EXPECT_THROW(dropout(x.to(at::kDouble), keys_of({1, 2}), 0, 0.4), std::logic_error);
}

TEST(Dropout, GpuEqualsReference) {
  S2I_SKIP_WITHOUT_GPU();
  const at::Device gpu(at::kCUDA, 0);
  const at::Tensor keys = keys_of({11, -5});
  for (const auto& x : {random_tensor({2, 5, 203}, 1), random_tensor({2, 3, 17, 17}, 2)}) {
    const at::Tensor y = dropout(x.to(gpu), keys.to(gpu), 3, 0.3);
    EXPECT_TRUE(y.cpu().equal(dropout_reference(x, keys, 3, 0.3)));
    const at::Tensor half = dropout(x.to(gpu).to(at::kBFloat16), keys.to(gpu), 3, 0.3);
    EXPECT_TRUE((half.cpu() == 0).equal(y.cpu() == 0));
  }
}

}  // namespace
}  // namespace s2i
