#include "checkpoint/host_tensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

namespace s2i {
namespace {

constexpr int64_t kBlockBytes = int64_t{64} << 20;  // a power of two
constexpr int64_t kAlignment = 64;

int64_t aligned_bytes(const at::Tensor& tensor) {
  return (static_cast<int64_t>(tensor.nbytes()) + kAlignment - 1) / kAlignment * kAlignment;
}

/// Hands out pieces of blocks.
class HostBlocks {
 public:
  HostBlocks(int64_t total_bytes, bool pinned) : remaining_(total_bytes), pinned_(pinned) {}

  at::Tensor like(const at::Tensor& tensor) {
    const int64_t bytes = aligned_bytes(tensor);
    if (used_ + bytes > capacity_) {
      // The last block is only as large as what is left.
      capacity_ = std::max(bytes, std::min(kBlockBytes, remaining_));
      block_ = at::empty({capacity_}, at::TensorOptions().dtype(at::kByte).pinned_memory(pinned_));
      used_ = 0;
    }
    const at::Tensor piece = block_.narrow(0, used_, static_cast<int64_t>(tensor.nbytes()));
    used_ += bytes;
    remaining_ -= bytes;
    return piece.view(tensor.scalar_type()).view(tensor.sizes());
  }

 private:
  int64_t remaining_;
  bool pinned_;
  int64_t capacity_ = 0;
  int64_t used_ = 0;
  at::Tensor block_;
};

}  // namespace

NamedTensors host_tensors_like(const NamedTensors& tensors, bool pinned) {
  int64_t total = 0;
  for (const auto& [name, tensor] : tensors) total += aligned_bytes(tensor);
  HostBlocks blocks(total, pinned);
  NamedTensors result;
  result.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) result.push_back({name, blocks.like(tensor)});
  return result;
}

bool same_layout(const NamedTensors& a, const NamedTensors& b) {
  return std::ranges::equal(a, b, [](const NamedTensor& x, const NamedTensor& y) {
    return x.tensor.sizes() == y.tensor.sizes() && x.tensor.scalar_type() == y.tensor.scalar_type();
  });
}

}  // namespace s2i
