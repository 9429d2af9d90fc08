#include "ops/gated_attention/gated_attention.h"

#include <cmath>
#include <vector>

#include "op_testing.h"
#include "ops/dropout/dropout.h"

namespace s2i {
namespace {

struct Inputs {
  at::Tensor query, key, value, position, gate;

  Inputs(int64_t batch, int64_t length, int64_t heads, int64_t width)
      : query(random_leaf({batch, length, heads * width}, 1)),
        key(random_leaf({batch, length, heads * width}, 2)),
        value(random_leaf({batch, length, heads * width}, 3)),
        position(random_leaf({heads, 2 * length - 1}, 4)),
        gate(random_leaf({batch, heads, length}, 5)) {}

  std::vector<at::Tensor> take_gradients() const {
    std::vector<at::Tensor> grads;
    for (const at::Tensor& leaf : {query, key, value, position, gate}) {
      grads.push_back(leaf.grad().clone());
      leaf.mutable_grad().reset();
    }
    return grads;
  }
};

at::Tensor attend(const Inputs& in, const at::Tensor& frames, const AttentionDropout& dropout) {
  return gated_attention(in.query, in.key, in.value, in.position, in.gate, frames, dropout);
}

/// The definition, one query at a time, in double.
at::Tensor definition(const Inputs& in, const std::vector<int64_t>& frames,
                      const AttentionDropout& options) {
  const int64_t batch = in.query.size(0), length = in.query.size(1), heads = in.gate.size(1);
  const int64_t width = in.query.size(2) / heads;
  at::Tensor weights = at::zeros({batch, heads, length, length});
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t h = 0; h < heads; ++h) {
      const auto slice = [&](const at::Tensor& x, int64_t t) {
        return x[b][t].narrow(0, h * width, width).detach().to(at::kDouble);
      };
      for (int64_t q = 0; q < length; ++q) {
        at::Tensor scores = at::empty({frames[static_cast<size_t>(b)]}, at::kDouble);
        for (int64_t k = 0; k < scores.size(0); ++k) {
          scores[k] = slice(in.query, q).dot(slice(in.key, k)) / std::sqrt(width) +
                      (in.gate[b][h][q] * in.position[h][k - q + length - 1]).to(at::kDouble);
        }
        weights[b][h][q].narrow(0, 0, scores.size(0)).copy_(at::softmax(scores, 0));
      }
    }
  }
  if (options.p > 0) weights = dropout_reference(weights, options.keys, options.site, options.p);
  const at::Tensor value = in.value.detach().view({batch, length, heads, width}).transpose(1, 2);
  return at::matmul(weights, value).transpose(1, 2).reshape({batch, length, -1});
}

TEST(Attention, EqualsItsDefinition) {
  const Inputs in(2, 7, 3, 4);
  EXPECT_LT(relative_error(attend(in, {}, {}), definition(in, {7, 7}, {})), 1e-6);
}

TEST(Attention, LeavesPaddedKeysOut) {
  const Inputs in(2, 6, 2, 8);
  const at::Tensor frames = at::tensor(std::vector<int64_t>{6, 2}, at::kLong);
  EXPECT_LT(relative_error(attend(in, frames, {}), definition(in, {6, 2}, {})), 1e-6);
}

TEST(Attention, DropsWeightsByTheUtterancesKey) {
  const Inputs in(2, 9, 2, 8);
  const AttentionDropout dropout{at::tensor(std::vector<int64_t>{3, 4}, at::kLong), 5, 0.3};
  const at::Tensor frames = at::tensor(std::vector<int64_t>{9, 5}, at::kLong);
  EXPECT_LT(relative_error(attend(in, frames, dropout), definition(in, {9, 5}, dropout)), 1e-6);
}

// Directional derivatives of every input against central differences.
TEST(Attention, GradientsAreThoseOfItsDefinition) {
  const Inputs in(2, 5, 2, 4);
  const at::Tensor frames = at::tensor(std::vector<int64_t>{5, 3}, at::kLong);
  const AttentionDropout dropout{at::tensor(std::vector<int64_t>{3, 4}, at::kLong), 5, 0.2};
  const at::Tensor out_direction = random_tensor({2, 5, 8}, 9).to(at::kDouble);
  (attend(in, frames, dropout) * out_direction.to(at::kFloat)).sum().backward();
  const auto grads = in.take_gradients();
  const std::vector<at::Tensor> leaves = {in.query, in.key, in.value, in.position, in.gate};
  const auto loss = [&] {
    return (definition(in, {5, 3}, dropout).to(at::kDouble) * out_direction).sum().item<double>();
  };
  for (size_t i = 0; i < leaves.size(); ++i) {
    at::Tensor values = leaves[i].detach();
    const at::Tensor direction = random_tensor(values.sizes(), 20 + i);
    constexpr double kStep = 1e-2;
    values.add_(direction, kStep);
    const double above = loss();
    values.sub_(direction, 2 * kStep);
    const double below = loss();
    values.add_(direction, kStep);
    const double expected = (above - below) / (2 * kStep);
    EXPECT_NEAR((grads[i] * direction).sum().item<double>(), expected,
                2e-3 * std::max(1.0, std::abs(expected)))
        << "input " << i;
  }
}

TEST(Attention, InBfloat16IsNear) {
  Inputs in(1, 20, 2, 16);
  const at::Tensor exact = attend(in, {}, {});
  const auto half = [](const at::Tensor& x) { return x.to(at::kBFloat16); };
  const at::Tensor y =
      gated_attention(half(in.query), half(in.key), half(in.value), in.position, in.gate, {}, {});
  EXPECT_EQ(y.scalar_type(), at::kBFloat16);
  EXPECT_LT(relative_error(y, exact), 0.02);
}

}  // namespace
}  // namespace s2i
