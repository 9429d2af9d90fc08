// The CUDA kernels, compiled for the host, against the CPU kernels of the same operations.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "every_order.h"
#include "op_testing.h"
#include "ops/adam_update/adam_update.h"
#include "ops/adam_update/adam_update_cuda.h"
#include "ops/conv_groupnorm_gelu/composite.h"
#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"
#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu_cuda.h"
#include "ops/dropout/dropout.h"
#include "ops/dropout/dropout_cuda.h"
#include "ops/position_bias/position_bias.h"
#include "ops/position_bias/position_bias_cuda.h"
#include "ops/position_gate/gate_arguments.h"
#include "ops/position_gate/position_gate.h"
#include "ops/position_gate/position_gate_cuda.h"
#include "ops/position_matrix/position_matrix.h"
#include "ops/position_matrix/position_matrix_cuda.h"

namespace s2i {
namespace {

// Overwritten by the kernel: what it leaves out shows.
at::Tensor unset(at::IntArrayRef shape) {
  return at::full(shape, std::numeric_limits<float>::quiet_NaN(), at::kFloat);
}

TEST(CudaKernels, DropoutEqualsCpuBitForBit) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{2, 3, 5, 199}, {1, 1, 1, 1}, {3, 1, 7, 8}}) {
      const at::Tensor x = random_tensor(shape, 1).to(type);
      const at::Tensor keys = at::arange(shape[0], at::kLong) + 11;
      const at::Tensor expected = dropout(x, keys, 3, 0.3);
      for_every_order([&](const char* order) {
        const at::Tensor y = unset(shape).to(type);
        launch_dropout(x.const_data_ptr(), y.mutable_data_ptr(), type == at::kBFloat16,
                       keys.const_data_ptr<int64_t>(), 3, 0.3, shape[0], shape[1], shape[2],
                       shape[3], nullptr);
        EXPECT_TRUE(y.equal(expected)) << order;
      });
    }
  }
}

TEST(CudaKernels, PositionBiasEqualsCpuBitForBit) {
  struct Case {
    int64_t buckets, max_distance, frames;
  };
  for (const Case& c : {Case{320, 800, 1}, Case{320, 800, 199}, Case{32, 40, 90}, Case{4, 2, 9},
                        Case{33, 128, 150}}) {
    constexpr int64_t kHeads = 6;
    const at::Tensor table = random_leaf({c.buckets, kHeads}, 1);
    const at::Tensor grad = random_tensor({kHeads, 2 * c.frames - 1}, 2);
    const Evaluation expected =
        evaluate([&](const auto& in) { return position_bias(in[0], c.frames, c.max_distance); },
                 {table}, grad);
    const DistanceBuckets buckets = distance_buckets(c.buckets, c.max_distance, c.frames);
    for_every_order([&](const char* order) {
      const at::Tensor bias = unset({kHeads, 2 * c.frames - 1});
      launch_position_bias(table.const_data_ptr<float>(), bias.mutable_data_ptr<float>(), kHeads,
                           buckets, nullptr);
      EXPECT_TRUE(bias.equal(expected.output)) << order;
      const at::Tensor table_grad = unset({c.buckets, kHeads});
      launch_position_bias_backward(grad.const_data_ptr<float>(),
                                    table_grad.mutable_data_ptr<float>(), kHeads, buckets, nullptr);
      EXPECT_TRUE(table_grad.equal(expected.gradients[0])) << order;
    });
  }
}

TEST(CudaKernels, PositionMatrixEqualsCpuBitForBit) {
  constexpr int64_t kHeads = 3;
  for (const int64_t length : {1, 2, 7, 65}) {
    const at::Tensor position = random_leaf({kHeads, 2 * length - 1}, 1);
    const at::Tensor grad = random_tensor({kHeads, length, length}, 2);
    const Evaluation expected =
        evaluate([](const auto& in) { return position_matrix(in[0]); }, {position}, grad);
    for_every_order([&](const char* order) {
      const at::Tensor matrix = unset({kHeads, length, length});
      launch_position_matrix(position.const_data_ptr<float>(), matrix.mutable_data_ptr<float>(),
                             kHeads, length, nullptr);
      EXPECT_TRUE(matrix.equal(expected.output)) << order;
      const at::Tensor position_grad = unset({kHeads, 2 * length - 1});
      launch_position_matrix_backward(grad.const_data_ptr<float>(),
                                      position_grad.mutable_data_ptr<float>(), kHeads, length,
                                      nullptr);
      EXPECT_TRUE(position_grad.equal(expected.gradients[0])) << order;
    });
  }
}

TEST(CudaKernels, PositionGateEqualsCpu) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const GateShape& shape : {GateShape{2, 37, 12, 64}, GateShape{3, 5, 2, 7}}) {
      const int64_t width = shape.heads * shape.width;
      const std::vector<at::Tensor> in = {
          random_tensor({shape.batch, shape.frames, width}, 1).to(type).set_requires_grad(true),
          random_leaf({8, shape.width}, 2), random_leaf({8}, 3), random_leaf({shape.heads}, 4)};
      const at::Tensor grad = random_tensor({shape.batch, shape.heads, shape.frames}, 5);
      const Evaluation expected = evaluate(
          [](const auto& all) { return position_gate(all[0], all[1], all[2], all[3]); }, in, grad);
      const at::Tensor weight = summed_gate_weights(in[1].detach(), in[2].detach());
      const auto* scale = in[3].const_data_ptr<float>();
      for_every_order([&](const char* order) {
        const at::Tensor gate = unset({shape.batch, shape.heads, shape.frames});
        launch_position_gate(in[0].const_data_ptr(), type == at::kBFloat16,
                             weight.const_data_ptr<float>(), scale, gate.mutable_data_ptr<float>(),
                             shape, nullptr);
        EXPECT_LT(relative_error(gate, expected.output), 1e-6) << order;
        const at::Tensor x_grad = unset(in[0].sizes()).to(type);
        const at::Tensor sums = unset({shape.rows(), 2}).to(type);
        const at::Tensor scale_parts = unset({shape.batch * shape.frames, shape.heads});
        launch_position_gate_backward(grad.const_data_ptr<float>(), in[0].const_data_ptr(),
                                      type == at::kBFloat16, weight.const_data_ptr<float>(), scale,
                                      x_grad.mutable_data_ptr(), sums.mutable_data_ptr(),
                                      scale_parts.mutable_data_ptr<float>(), shape, nullptr);
        const double limit = type == at::kFloat ? 2e-6 : 8e-3;
        EXPECT_LT(relative_error(x_grad, expected.gradients[0]), limit) << order;
        const at::Tensor weights =
            sums.to(at::kDouble).t().mm(in[0].detach().to(at::kDouble).view({shape.rows(), -1}));
        EXPECT_LT(relative_error(weights.select(0, 0), expected.gradients[1][0]), limit) << order;
        EXPECT_LT(relative_error(weights.select(0, 1), expected.gradients[1][7]), limit) << order;
        EXPECT_LT(relative_error(scale_parts.sum(0), expected.gradients[3]), 2e-6) << order;
      });
    }
  }
}

struct ConvCase {
  int64_t batch, rows, channels, taps, stride;
};

/// The folded layer and its gradient come from LibTorch calls, as on a GPU.
TEST(CudaKernels, ConvGroupNormGeluEqualsCpu) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    for (const ConvCase& c : {ConvCase{2, 300, 130, 10, 5}, ConvCase{1, 3, 7, 10, 5},
                              ConvCase{2, 70, 16, 3, 2}, ConvCase{1, 257, 5, 64, 1}}) {
      const at::Tensor audio = random_tensor({c.batch, c.rows * c.stride}, 1);
      std::vector<int64_t> frames(static_cast<size_t>(c.batch), c.rows);
      frames.back() = c.rows - 1;
      const std::vector<at::Tensor> layer = {random_leaf({c.channels, 1, c.taps}, 2),
                                             random_leaf({c.channels}, 3),
                                             random_leaf({c.channels}, 4)};
      const at::Tensor grad = random_tensor({c.batch, c.rows, c.channels}, 5);
      const Evaluation expected = evaluate(
          [&](const auto& in) {
            return conv_groupnorm_gelu(audio, {in[0], {}, in[1], in[2], c.stride, 1e-5}, frames,
                                       type);
          },
          layer, grad);
      const FoldedConv folded = fold_groupnorm(audio, layer[0].detach(), {}, layer[1].detach(),
                                               layer[2].detach(), frames, c.stride, 1e-5);
      const at::Tensor samples = at::constant_pad_nd(audio, {0, c.taps}).contiguous();
      const at::Tensor weight = folded.weight.contiguous(), typed_grad = grad.to(type);
      const ConvGeluSizes sizes{c.batch, c.rows, c.channels, c.taps, c.stride, samples.size(1)};
      std::vector<at::Tensor> outputs, parts;
      for_every_order([&](const char*) {
        const at::Tensor y = unset({c.batch, c.rows, c.channels}).to(type);
        launch_conv_gelu(samples.const_data_ptr<float>(), weight.const_data_ptr<float>(),
                         y.mutable_data_ptr(), type == at::kBFloat16, sizes, nullptr);
        outputs.push_back(y);
        const at::Tensor part = unset({c.batch, sizes.sums(), c.taps + 1, c.channels});
        launch_conv_gelu_backward(samples.const_data_ptr<float>(), weight.const_data_ptr<float>(),
                                  typed_grad.const_data_ptr(), type == at::kBFloat16,
                                  part.mutable_data_ptr<float>(), sizes, nullptr);
        parts.push_back(part);
        EXPECT_TRUE(outputs.front().equal(y));
        EXPECT_TRUE(parts.front().equal(part));
      });
      EXPECT_LT(relative_error(outputs[0], expected.output), type == at::kFloat ? 2e-6 : 1e-2);
      const auto [weight_grad, norm_weight_grad, norm_bias_grad] = folded_layer_gradients(
          folded, parts[0].to(at::kDouble).sum(1), layer[0].detach(), layer[1].detach());
      EXPECT_LT(relative_error(weight_grad, expected.gradients[0]), 1e-4);
      EXPECT_LT(relative_error(norm_weight_grad, expected.gradients[1]), 1e-4);
      EXPECT_LT(relative_error(norm_bias_grad, expected.gradients[2]), 1e-5);
    }
  }
}

struct AdamCase {
  bool decoupled;
  float loss;  ///< NaN: the update is skipped.
};

AdamTensors adam_tensors(float loss) {
  constexpr int64_t kUnits = 67;
  AdamTensors t;
  t.values = random_tensor({kUnits * kUpdateUnit}, 1);
  t.gradients = random_tensor({kUnits * kUpdateUnit}, 2);
  t.exp_avg = random_tensor({kUnits * kUpdateUnit}, 3);
  t.exp_avg_sq = random_tensor({kUnits * kUpdateUnit}, 4).abs();
  t.steps = at::full({}, 5, at::kFloat);
  t.group = at::arange(kUnits, at::kLong).remainder(3).eq(0).to(at::kByte);
  t.norm = at::full({}, 7, at::kFloat);
  t.losses = at::ones({600}, at::kFloat);  // more than a block has threads
  t.losses.select(0, 577).fill_(loss);
  t.narrow = t.values.to(at::kBFloat16);
  return t;
}

// The bias corrections are those of the host's pow here, so the bits are those of the CPU.
TEST(CudaKernels, AdamUpdateEqualsCpuBitForBit) {
  AdamSettings settings;
  settings.learning_rate = 1e-2;
  settings.clip_norm = 0.5;
  settings.weight_decay = {0.1, 0};
  for (const AdamCase& c : {AdamCase{true, 1}, AdamCase{false, 1},
                            AdamCase{true, std::numeric_limits<float>::quiet_NaN()}}) {
    settings.decoupled = c.decoupled;
    const AdamTensors expected = adam_tensors(c.loss);
    adam_update(expected, settings);
    EXPECT_NE(expected.values.equal(adam_tensors(c.loss).values), c.loss == 1);
    const AdamScalars scalars{settings.learning_rate, settings.beta1,     settings.beta2,
                              settings.epsilon,       settings.clip_norm, settings.decoupled};
    AdamDecays decays{};
    decays.count = static_cast<int>(settings.weight_decay.size());
    std::ranges::copy(settings.weight_decay, decays.rate);
    for_every_order([&](const char* order) {
      const AdamTensors t = adam_tensors(c.loss);
      AdamPlan plan;
      const AdamPointers pointers{t.values.mutable_data_ptr<float>(),
                                  t.gradients.const_data_ptr<float>(),
                                  t.exp_avg.mutable_data_ptr<float>(),
                                  t.exp_avg_sq.mutable_data_ptr<float>(),
                                  t.steps.mutable_data_ptr<float>(),
                                  t.group.const_data_ptr<uint8_t>(),
                                  t.norm.const_data_ptr<float>(),
                                  t.losses.const_data_ptr<float>(),
                                  t.narrow.mutable_data_ptr(),
                                  t.values.numel(),
                                  t.losses.numel()};
      launch_adam_update(pointers, scalars, decays, &plan, nullptr);
      EXPECT_TRUE(t.values.equal(expected.values)) << order;
      EXPECT_TRUE(t.exp_avg.equal(expected.exp_avg)) << order;
      EXPECT_TRUE(t.exp_avg_sq.equal(expected.exp_avg_sq)) << order;
      EXPECT_TRUE(t.narrow.equal(expected.narrow)) << order;
      EXPECT_TRUE(t.steps.equal(expected.steps)) << order;
    });
  }
}

}  // namespace
}  // namespace s2i
