#include "ops/dropout/dropout_cuda.h"

#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include "ops/cuda_launch.h"
#include "ops/dropout/dropout_extent.h"

namespace s2i {
namespace {

at::Tensor dropout_cuda(const at::Tensor& input, const at::Tensor& keys, int64_t site, double p) {
  const DropoutExtent extent = dropout_extent(input, keys, p);
  const at::Tensor x = input.contiguous();
  const at::Tensor y = at::empty_like(x);
  launch_on_device_of(x, "dropout", [&](cudaStream_t stream) {
    return launch_dropout(x.const_data_ptr(), y.mutable_data_ptr(),
                          x.scalar_type() == at::kBFloat16, keys.const_data_ptr<int64_t>(), site, p,
                          extent.batch, extent.heads, extent.rows, extent.columns, stream);
  });
  return y;
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) { library.impl("dropout", &dropout_cuda); }

}  // namespace
}  // namespace s2i
