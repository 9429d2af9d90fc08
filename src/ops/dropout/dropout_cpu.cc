#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "ops/dropout/dropout_bits.h"
#include "ops/dropout/dropout_extent.h"
#include "ops/dropout/dropout_row.h"

namespace s2i {
namespace {

constexpr int64_t kElementsPerTask = 16384;

template <typename Scalar>
void drop_rows(const Scalar* x, Scalar* y, const DropoutExtent& extent, const int64_t* keys,
               int64_t site, double p) {
  const uint32_t threshold = dropout_threshold(p);
  const float scale = dropout_scale(threshold);
  const int64_t rows = extent.batch * extent.heads * extent.rows;
  const int64_t grain =
      std::max<int64_t>(1, kElementsPerTask / std::max<int64_t>(extent.columns, 1));
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<uint16_t> bits(static_cast<size_t>(dropout_bits_size(extent.columns)));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t t = row % extent.rows;
      const int64_t h = row / extent.rows % extent.heads;
      const int64_t b = row / extent.rows / extent.heads;
      const uint64_t key = dropout_key(static_cast<uint64_t>(keys[b]), static_cast<uint64_t>(site));
      dropout_row_bits(key, dropout_row_number(static_cast<uint64_t>(h), static_cast<uint64_t>(t)),
                       extent.columns, bits.data());
      const int64_t offset = row * extent.columns;
      dropout_row(x + offset, y + offset, bits.data(), extent.columns, threshold, scale);
    }
  });
}

at::Tensor dropout_cpu(const at::Tensor& input, const at::Tensor& keys, int64_t site, double p) {
  const DropoutExtent extent = dropout_extent(input, keys, p);
  const at::Tensor x = input.contiguous();
  const at::Tensor y = at::empty_like(x);
  const int64_t* key = keys.const_data_ptr<int64_t>();
  if (x.scalar_type() == at::kFloat) {
    drop_rows(x.const_data_ptr<float>(), y.mutable_data_ptr<float>(), extent, key, site, p);
  } else {  // bfloat16 as its bits
    drop_rows(static_cast<const uint16_t*>(x.const_data_ptr()),
              static_cast<uint16_t*>(y.mutable_data_ptr()), extent, key, site, p);
  }
  return y;
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) { library.impl("dropout", &dropout_cpu); }

}  // namespace
}  // namespace s2i
