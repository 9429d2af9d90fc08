#include "ops/conv_groupnorm/folded_conv.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include "core/error.h"

namespace s2i {
namespace {

/// [B,rows,K]: row t holds samples t*stride ... t*stride+K-1, with zeros past the end.
at::Tensor windows_of(const at::Tensor& audio, int64_t taps, int64_t stride) {
  return at::constant_pad_nd(audio, {0, taps})
      .unfold(1, taps, stride)
      .narrow(1, 0, audio.size(1) / stride);
}

struct Moments {
  at::Tensor mean;        ///< [B,K]
  at::Tensor covariance;  ///< [B,K,K]
};

/// Over the first `frames` rows of each utterance, in float64.
Moments moments_of(const at::Tensor& windows, at::IntArrayRef frames) {
  // The copy of a few numbers from pageable memory does not wait for the device.
  const at::Tensor count =
      at::tensor(frames, at::kLong).to(windows.device(), at::kLong, /*non_blocking=*/true);
  const at::Tensor row = at::arange(windows.size(1), count.options());
  const at::Tensor valid = (row.unsqueeze(0) < count.unsqueeze(1)).to(at::kDouble).unsqueeze(2);
  const at::Tensor n = count.to(at::kDouble).unsqueeze(1);  // [B,1]
  const at::Tensor samples = windows.to(at::kDouble) * valid;
  const at::Tensor mean = samples.sum(1) / n;
  const at::Tensor centered = (samples - mean.unsqueeze(1)) * valid;
  return {mean, at::bmm(centered.transpose(1, 2), centered) / n.unsqueeze(2)};
}

}  // namespace

at::Tensor FoldedConv::apply() const { return at::bmm(windows, weight); }

FoldedConv fold_groupnorm(const at::Tensor& audio, const at::Tensor& weight, const at::Tensor& bias,
                          const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                          at::IntArrayRef frames, int64_t stride, double epsilon) {
  S2I_CHECK(audio.dim() == 2 && weight.dim() == 3 && weight.size(1) == 1);
  S2I_CHECK(audio.size(1) % stride == 0 && static_cast<int64_t>(frames.size()) == audio.size(0));
  const at::Tensor windows = windows_of(audio, weight.size(2), stride);
  const Moments moments = moments_of(windows, frames);
  const at::Tensor taps = weight.squeeze(1).t().to(at::kDouble);  // [K,C]

  FoldedConv folded;
  folded.sample_mean = moments.mean;
  folded.weighted_covariance = at::matmul(moments.covariance, taps);
  folded.mean = at::matmul(moments.mean, taps);
  // Rounding may make it negative. clamp_min() has no backward pass for meta tensors.
  const at::Tensor variance = at::threshold((folded.weighted_covariance * taps).sum(1), 0, 0);
  folded.deviation = at::rsqrt(variance + epsilon);
  const at::Tensor scale = folded.deviation * norm_weight;  // [B,C]
  // The bias moves the mean as well: nothing but a gradient of zero is left of it.
  const at::Tensor offset = bias.defined() ? bias - (bias + folded.mean) : -folded.mean;
  const at::Tensor shift = norm_bias + offset * scale;
  folded.weight =
      at::cat({taps * scale.unsqueeze(1), shift.unsqueeze(1)}, 1).to(audio.scalar_type());
  const at::Tensor ones = at::ones({1, 1, 1}, windows.options());
  folded.windows = at::cat({windows, ones.expand({windows.size(0), windows.size(1), 1})}, 2);
  return folded;
}

}  // namespace s2i
