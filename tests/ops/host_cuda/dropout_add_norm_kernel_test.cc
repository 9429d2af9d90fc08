// The CUDA kernels of dropout_add_norm, compiled for the host, against the CPU kernels.
#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "every_order.h"
#include "op_testing.h"
#include "ops/dropout_add_norm/dropout_add_norm.h"
#include "ops/dropout_add_norm/dropout_add_norm_cuda.h"

namespace s2i {
namespace {

constexpr int64_t kSite = 3, kRowsPerSum = 4;

struct Case {
  int64_t batch, rows, columns;
  at::ScalarType type;
  double p;
  bool with_sum;  ///< whether something depends on the sum
};

/// Overwritten by the kernel: what it leaves out shows.
at::Tensor unset(at::IntArrayRef shape, at::ScalarType type = at::kFloat) {
  return at::full(shape, std::numeric_limits<float>::quiet_NaN(), type);
}

struct Results {
  at::Tensor sum, normalized, typed, x, residual, weight, bias;

  std::vector<at::Tensor> all() const {
    return {sum, normalized, typed, x, residual, weight, bias};
  }
};

std::vector<at::Tensor> inputs_of(const Case& c) {
  const std::vector<int64_t> shape = {c.batch, c.rows, c.columns};
  return {random_tensor(shape, 1).to(c.type), random_tensor(shape, 2),
          random_tensor({c.columns}, 3), random_tensor({c.columns}, 4)};
}

/// The gradients of sum, normalized and typed.
std::vector<at::Tensor> grads_of(const Case& c) {
  const std::vector<int64_t> shape = {c.batch, c.rows, c.columns};
  return {random_tensor(shape, 5), random_tensor(shape, 6), random_tensor(shape, 7).to(c.type)};
}

at::Tensor keys_of(const Case& c) { return at::arange(c.batch, at::kLong) + 11; }

Results on_cpu(const Case& c) {
  auto in = inputs_of(c);
  const auto grads = grads_of(c);
  for (at::Tensor& tensor : in) tensor.set_requires_grad(true);
  const NormalizedSum out =
      dropout_add_norm(in[0], in[1], {keys_of(c), kSite, c.p}, in[2], in[3], 1e-5);
  at::Tensor loss = (out.normalized * grads[1]).sum();
  if (c.with_sum) loss = loss + (out.sum * grads[0]).sum();
  if (c.type == at::kBFloat16) {
    loss = loss + (out.typed.to(at::kFloat) * grads[2].to(at::kFloat)).sum();
  }
  loss.backward();
  return {out.sum,      out.normalized, out.typed,   in[0].grad(),
          in[1].grad(), in[2].grad(),   in[3].grad()};
}

Results on_host_cuda(const Case& c) {
  const auto in = inputs_of(c), grads = grads_of(c);
  const at::Tensor keys = keys_of(c);
  const std::vector<int64_t> shape = {c.batch, c.rows, c.columns};
  const bool narrow = c.type == at::kBFloat16;
  const NormSizes sizes{c.batch, c.rows, c.columns, narrow};
  const NormDropout dropout{c.p == 0 ? nullptr : keys.const_data_ptr<int64_t>(), kSite, c.p};
  const at::Tensor statistics = unset({c.batch, c.rows, 2});
  const at::Tensor parts = unset({sizes.sums(kRowsPerSum), 2, c.columns});
  Results r{unset(shape), unset(shape),       unset(shape, c.type), unset(shape, c.type),
            unset(shape), unset({c.columns}), unset({c.columns})};
  const NormForward forward{in[0].const_data_ptr(),
                            in[1].const_data_ptr<float>(),
                            in[2].const_data_ptr<float>(),
                            in[3].const_data_ptr<float>(),
                            1e-5F,
                            r.sum.mutable_data_ptr<float>(),
                            r.normalized.mutable_data_ptr<float>(),
                            narrow ? r.typed.mutable_data_ptr() : nullptr,
                            statistics.mutable_data_ptr<float>()};
  launch_dropout_add_norm(forward, dropout, sizes, nullptr);
  if (!narrow) r.typed = r.normalized;
  const NormBackward backward{c.with_sum ? grads[0].const_data_ptr<float>() : nullptr,
                              grads[1].const_data_ptr<float>(),
                              narrow ? grads[2].const_data_ptr() : nullptr,
                              r.sum.const_data_ptr<float>(),
                              statistics.const_data_ptr<float>(),
                              in[2].const_data_ptr<float>(),
                              r.x.mutable_data_ptr(),
                              r.residual.mutable_data_ptr<float>(),
                              r.weight.mutable_data_ptr<float>(),
                              r.bias.mutable_data_ptr<float>(),
                              parts.mutable_data_ptr<float>(),
                              kRowsPerSum};
  launch_dropout_add_norm_backward(backward, dropout, sizes, nullptr);
  return r;
}

TEST(CudaKernels, DropoutAddNormEqualsCpu) {
  for (const Case& c :
       {Case{2, 7, 768, at::kBFloat16, 0.1, false}, Case{2, 3, 768, at::kFloat, 0.1, true},
        Case{1, 5, 7, at::kFloat, 0.3, false}, Case{3, 9, 33, at::kBFloat16, 0, true},
        Case{2, 21, 264, at::kFloat, 0, true}}) {
    const auto expected = on_cpu(c).all();
    std::vector<at::Tensor> first;
    for_every_order([&](const char* order) {
      const auto actual = on_host_cuda(c).all();
      if (first.empty()) first = actual;
      for (size_t i = 0; i < actual.size(); ++i) {
        EXPECT_TRUE(actual[i].equal(first[i])) << order << ", result " << i;
        const bool narrow = actual[i].scalar_type() == at::kBFloat16;
        EXPECT_LT(relative_error(actual[i], expected[i]), narrow ? 1e-2 : 1e-5)
            << c.columns << " columns, result " << i;
      }
    });
  }
}

}  // namespace
}  // namespace s2i
