#include "ops/dropout/dropout_reference.h"

#include <ATen/ops/empty_like.h>

#include "ops/dropout/dropout_bits.h"
#include "ops/dropout/dropout_extent.h"

namespace s2i {

at::Tensor dropout_reference(const at::Tensor& input, const at::Tensor& keys, int64_t site,
                             double p) {
  const at::Tensor x = input.contiguous();
  const DropoutExtent extent = dropout_extent(x, keys, p);
  const at::Tensor y = at::empty_like(x);
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
