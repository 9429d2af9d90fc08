#include "ops/dropout/dropout.h"

#include <c10/core/Device.h>
#include <torch/csrc/autograd/variable.h>

#include <cmath>

#include "op_testing.h"
#include "ops/dropout/dropout_bits.h"

#ifdef S2I_HAVE_CUDA
#include <cuda_runtime_api.h>
#endif

namespace s2i {
namespace {

at::Tensor keys_of(std::vector<int64_t> keys) { return at::tensor(keys, at::kLong); }

TEST(Dropout, EqualsItsDefinition) {
  for (const int64_t columns : {1, 7, 8, 63, 64, 65, 200, 768}) {
    const at::Tensor x = random_tensor({2, 5, columns}, 1);
    const at::Tensor keys = keys_of({11, -5});
    EXPECT_TRUE(dropout(x, keys, 3, 0.3).equal(dropout_reference(x, keys, 3, 0.3))) << columns;
  }
  const at::Tensor weights = random_tensor({2, 3, 4, 37}, 2);
  EXPECT_TRUE(dropout(weights, keys_of({1, 2}), 0, 0.1)
                  .equal(dropout_reference(weights, keys_of({1, 2}), 0, 0.1)));
}

TEST(Dropout, KeepsTheSameElementsInBfloat16) {
  const at::Tensor x = random_tensor({2, 9, 100}, 1);
  const at::Tensor keys = keys_of({4, 5});
  const at::Tensor y = dropout(x.to(at::kBFloat16), keys, 1, 0.25);
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  const at::Tensor expected = dropout_reference(x, keys, 1, 0.25);
  EXPECT_TRUE((y == 0).equal(expected == 0));
  EXPECT_LT(relative_error(y, expected), 0.01);
}

TEST(Dropout, DropsItsShareAndKeepsTheMean) {
  const at::Tensor ones = at::ones({4, 1000, 250});
  const at::Tensor y = dropout(ones, keys_of({1, 2, 3, 4}), 0, 0.1);
  EXPECT_NEAR((y == 0).to(at::kDouble).mean().item<double>(), 0.1, 0.001);
  EXPECT_NEAR(y.mean().item<double>(), 1.0, 0.001);
}

TEST(Dropout, AnUtterancesDrawsAreItsOwn) {
  const at::Tensor x = at::ones({3, 20, 40});
  const at::Tensor all = dropout(x, keys_of({7, 8, 9}), 2, 0.5);
  // Alone, at another place, and with less padding.
  EXPECT_TRUE(dropout(at::ones({1, 20, 40}), keys_of({8}), 2, 0.5)[0].equal(all[1]));
  EXPECT_TRUE(
      dropout(at::ones({1, 12, 40}), keys_of({9}), 2, 0.5)[0].equal(all[2].narrow(0, 0, 12)));
  const at::Tensor weights = dropout(at::ones({1, 2, 20, 20}), keys_of({7}), 2, 0.5);
  EXPECT_TRUE(dropout(at::ones({1, 2, 11, 11}), keys_of({7}), 2, 0.5)
                  .equal(weights.narrow(2, 0, 11).narrow(3, 0, 11)));
  // Another key or site draws otherwise.
  EXPECT_FALSE(all[0].equal(all[1]));
  EXPECT_FALSE(dropout(x, keys_of({7, 8, 9}), 3, 0.5).equal(all));
}

TEST(Dropout, TheGradientHasTheSameElements) {
  const at::Tensor x = random_leaf({2, 6, 30}, 3);
  const at::Tensor keys = keys_of({1, 2});
  dropout(x, keys, 0, 0.4).sum().backward();
  EXPECT_TRUE(x.grad().equal(dropout_reference(at::ones_like(x), keys, 0, 0.4)));
}

TEST(Dropout, ZeroIsNoDropout) {
  const at::Tensor x = random_tensor({1, 2, 3}, 1);
  EXPECT_TRUE(dropout(x, at::Tensor(), 0, 0).is_same(x));
}

TEST(Dropout, GivesTheSameOnTheGpu) {
#ifdef S2I_HAVE_CUDA
  int devices = 0;
  if (cudaGetDeviceCount(&devices) != cudaSuccess || devices == 0) GTEST_SKIP() << "no GPU";
  const at::Device gpu(at::kCUDA, 0);
  const at::Tensor keys = keys_of({11, -5});
  for (const auto& x : {random_tensor({2, 5, 203}, 1), random_tensor({2, 3, 17, 17}, 2)}) {
    const at::Tensor y = dropout(x.to(gpu), keys.to(gpu), 3, 0.3);
    EXPECT_TRUE(y.cpu().equal(dropout_reference(x, keys, 3, 0.3)));
    const at::Tensor half = dropout(x.to(gpu).to(at::kBFloat16), keys.to(gpu), 3, 0.3);
    EXPECT_TRUE((half.cpu() == 0).equal(y.cpu() == 0));
  }
#else
  GTEST_SKIP() << "built without CUDA";
#endif
}

}  // namespace
}  // namespace s2i
