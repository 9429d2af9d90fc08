#include "ops/dropout/dropout.h"

#include <ATen/Dispatch.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "core/error.h"
#include "ops/dropout/dropout_bits.h"
#include "ops/dropout/dropout_cpu.h"

#ifdef S2I_HAVE_CUDA
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "ops/dropout/dropout_cuda.h"
#endif

namespace s2i {
namespace {

struct Extent {
  int64_t batch, heads, rows, columns;
};

Extent extent_of(const at::Tensor& x) {
  S2I_CHECK(x.dim() == 3 || x.dim() == 4, "dropout of a tensor of {} dimensions", x.dim());
  return x.dim() == 3 ? Extent{x.size(0), 1, x.size(1), x.size(2)}
                      : Extent{x.size(0), x.size(1), x.size(2), x.size(3)};
}

void dropout_on_cpu(const at::Tensor& x, at::Tensor& y, const at::Tensor& keys, int64_t site,
                    double p) {
  const Extent extent = extent_of(x);
  const uint32_t threshold = dropout_threshold(p);
  const float scale = dropout_scale(threshold);
  const int64_t* key = keys.const_data_ptr<int64_t>();
  const int64_t rows = extent.batch * extent.heads * extent.rows;
  const bool is_float = x.scalar_type() == at::kFloat;
  const void* from = x.const_data_ptr();
  void* to = y.mutable_data_ptr();
  const int64_t grain = std::max<int64_t>(1, 16384 / std::max<int64_t>(extent.columns, 1));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<uint16_t> bits(static_cast<size_t>(dropout_bits_room(extent.columns)));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t t = row % extent.rows;
      const int64_t h = row / extent.rows % extent.heads;
      const int64_t b = row / extent.rows / extent.heads;
      const uint64_t site_key =
          dropout_key(static_cast<uint64_t>(key[b]), static_cast<uint64_t>(site));
      dropout_row_bits(site_key,
                       dropout_row_number(static_cast<uint64_t>(h), static_cast<uint64_t>(t)),
                       extent.columns, bits.data());
      const int64_t offset = row * extent.columns;
      if (is_float) {
        dropout_row(static_cast<const float*>(from) + offset, static_cast<float*>(to) + offset,
                    bits.data(), extent.columns, threshold, scale);
      } else {
        dropout_row(static_cast<const uint16_t*>(from) + offset,
                    static_cast<uint16_t*>(to) + offset, bits.data(), extent.columns, threshold,
                    scale);
      }
    }
  });
}

at::Tensor dropout_forward(const at::Tensor& input, const at::Tensor& keys, int64_t site,
                           double p) {
  const at::Tensor x = input.contiguous();
  at::Tensor y = at::empty_like(x);
  if (x.is_cpu()) {
    dropout_on_cpu(x, y, keys, site, p);
    return y;
  }
#ifdef S2I_HAVE_CUDA
  const Extent extent = extent_of(x);
  const c10::cuda::CUDAGuard guard(x.device());
  const cudaError_t status = launch_dropout(
      x.const_data_ptr(), y.mutable_data_ptr(), x.scalar_type() == at::kBFloat16,
      keys.const_data_ptr<int64_t>(), site, p, extent.batch, extent.heads, extent.rows,
      extent.columns, c10::cuda::getCurrentCUDAStream(x.device().index()).stream());
  if (status != cudaSuccess) throw RunError("the dropout kernel: {}", cudaGetErrorString(status));
  return y;
#else
  throw RunError("this program was built without CUDA");
#endif
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& x,
                            const at::Tensor& keys, int64_t site, double p) {
    ctx->save_for_backward({keys});
    ctx->saved_data["site"] = site;
    ctx->saved_data["p"] = p;
    return dropout_forward(x, keys, site, p);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const at::Tensor keys = ctx->get_saved_variables()[0];
    return {dropout_forward(grads[0], keys, ctx->saved_data["site"].toInt(),
                            ctx->saved_data["p"].toDouble()),
            at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor dropout(const at::Tensor& x, const at::Tensor& keys, int64_t site, double p) {
  S2I_CHECK(p >= 0 && p < 1, "dropout probability {}", p);
  if (p == 0) return x;
  S2I_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16);
  S2I_CHECK(keys.dim() == 1 && keys.size(0) == x.size(0) && keys.scalar_type() == at::kLong &&
            keys.device() == x.device());
  return Dropout::apply(x, keys, site, p);
}

at::Tensor dropout_reference(const at::Tensor& input, const at::Tensor& keys, int64_t site,
                             double p) {
  const at::Tensor x = input.contiguous();
  const Extent extent = extent_of(x);
  at::Tensor y = at::empty_like(x);
  const uint32_t threshold = dropout_threshold(p);
  const float* from = x.const_data_ptr<float>();
  float* to = y.mutable_data_ptr<float>();
  int64_t index = 0;
  for (int64_t b = 0; b < extent.batch; ++b) {
    const uint64_t key = dropout_key(static_cast<uint64_t>(keys.const_data_ptr<int64_t>()[b]),
                                     static_cast<uint64_t>(site));
    for (int64_t h = 0; h < extent.heads; ++h) {
      for (int64_t t = 0; t < extent.rows; ++t) {
        const uint64_t row = dropout_row_number(static_cast<uint64_t>(h), static_cast<uint64_t>(t));
        for (int64_t d = 0; d < extent.columns; ++d, ++index) {
          const PhiloxBlock block = dropout_block(key, row, static_cast<uint64_t>(d / 8));
          const bool keep = dropout_bits(block, static_cast<int>(d % 8)) >= threshold;
          to[index] = keep ? from[index] * dropout_scale(threshold) : 0.0F;
        }
      }
    }
  }
  return y;
}

}  // namespace s2i
