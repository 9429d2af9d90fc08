#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <optional>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "ops/conv_groupnorm_gelu/conv_gelu_range.h"
#include "ops/conv_groupnorm_gelu/utterance_fold.h"

namespace s2i {
namespace {

constexpr int64_t kFramesPerChunk = 256;  // a task of a thread; no float32 sum is longer

int64_t chunks_of(const ConvShape& shape) {
  return (shape.rows + kFramesPerChunk - 1) / kFramesPerChunk;
}

ConvShape shape_of(const at::Tensor& audio, const at::Tensor& weight, at::IntArrayRef frames,
                   int64_t stride, double epsilon) {
  S2I_CHECK(audio.dim() == 2 && audio.scalar_type() == at::kFloat);
  S2I_CHECK(weight.dim() == 3 && weight.size(1) == 1 && weight.scalar_type() == at::kFloat);
  S2I_CHECK(audio.size(1) % stride == 0 && static_cast<int64_t>(frames.size()) == audio.size(0));
  const int64_t rows = audio.size(1) / stride;
  for (const int64_t count : frames) S2I_CHECK(count >= 1 && count <= rows);
  return {audio.size(0), rows, weight.size(0), weight.size(2), stride, epsilon, frames.vec()};
}

/// [B,rows*stride+K]: zeros follow the samples, because the windows of the last rows reach past
/// their end.
at::Tensor pad_samples(const at::Tensor& audio, const ConvShape& shape) {
  return at::constant_pad_nd(audio, {0, shape.taps}).contiguous();
}

std::vector<UtteranceFold> fold_utterances(const at::Tensor& samples, const ConvShape& shape,
                                           const at::Tensor& weight, const at::Tensor& norm_weight,
                                           const at::Tensor& norm_bias) {
  std::vector<UtteranceFold> folded(static_cast<size_t>(shape.batch));
  at::parallel_for(0, shape.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      folded[b] =
          fold_utterance(samples.const_data_ptr<float>() + b * shape.padded_samples(), shape,
                         shape.frames[b], weight.const_data_ptr<float>(),
                         norm_weight.const_data_ptr<float>(), norm_bias.const_data_ptr<float>());
    }
  });
  return folded;
}

/// Calls body(chunk, range, offset) for every chunk on all threads: its number over the batch, its
/// frames and the offset of its first element in [B,rows,C].
template <typename Body>
void for_chunks(const at::Tensor& samples, const ConvShape& shape,
                const std::vector<UtteranceFold>& folded, const Body& body) {
  const int64_t chunks = chunks_of(shape);
  at::parallel_for(0, shape.batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      const int64_t b = chunk / chunks, first = chunk % chunks * kFramesPerChunk;
      const float* x = samples.const_data_ptr<float>() + b * shape.padded_samples();
      const FrameRange range{x + first * shape.stride,
                             std::min(kFramesPerChunk, shape.rows - first),
                             shape.stride,
                             shape.taps,
                             shape.channels,
                             shape.padded_channels(),
                             folded[b].weight.data(),
                             folded[b].shift.data()};
      body(chunk, range, (b * shape.rows + first) * shape.channels);
    }
  });
}

at::Tensor conv_groupnorm_gelu_cpu(const at::Tensor& audio, const at::Tensor& weight_,
                                   const std::optional<at::Tensor>& /*bias*/,
                                   const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                                   at::IntArrayRef frames, int64_t stride, double epsilon,
                                   at::ScalarType type) {
  S2I_CHECK(type == at::kFloat || type == at::kBFloat16);
  const ConvShape shape = shape_of(audio, weight_, frames, stride, epsilon);
  const at::Tensor samples = pad_samples(audio, shape), weight = weight_.contiguous();
  const auto folded = fold_utterances(samples, shape, weight, norm_weight, norm_bias);
  const at::Tensor y = at::empty({shape.batch, shape.rows, shape.channels}, type);
  void* to = y.mutable_data_ptr();
  for_chunks(samples, shape, folded, [&](int64_t, const FrameRange& range, int64_t offset) {
    if (type == at::kFloat) {
      conv_gelu_forward(range, static_cast<float*>(to) + offset);
    } else {
      conv_gelu_forward(range, static_cast<uint16_t*>(to) + offset);
    }
  });
  return y;
}

/// [B,chunks,K+1,Cp]: the gradients of the folded weights and shift, for each chunk.
std::vector<float> chunk_sums(const at::Tensor& samples, const at::Tensor& grad,
                              const ConvShape& shape, const std::vector<UtteranceFold>& folded) {
  const int64_t size = (shape.taps + 1) * shape.padded_channels();
  std::vector<float> sums(static_cast<size_t>(shape.batch * chunks_of(shape) * size), 0);
  const void* from = grad.const_data_ptr();
  const bool is_float = grad.scalar_type() == at::kFloat;
  for_chunks(samples, shape, folded, [&](int64_t chunk, const FrameRange& range, int64_t offset) {
    float* sum = sums.data() + chunk * size;
    if (is_float) {
      conv_gelu_backward(range, static_cast<const float*>(from) + offset, sum);
    } else {
      conv_gelu_backward(range, static_cast<const uint16_t*>(from) + offset, sum);
    }
  });
  return sums;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> conv_groupnorm_gelu_backward_cpu(
    const at::Tensor& grad, const at::Tensor& audio, const at::Tensor& weight_,
    const at::Tensor& norm_weight, const at::Tensor& norm_bias, at::IntArrayRef frames,
    int64_t stride, double epsilon) {
  const ConvShape shape = shape_of(audio, weight_, frames, stride, epsilon);
  const at::Tensor samples = pad_samples(audio, shape), weight = weight_.contiguous();
  const auto folded = fold_utterances(samples, shape, weight, norm_weight, norm_bias);
  const std::vector<float> sums = chunk_sums(samples, grad.contiguous(), shape, folded);

  LayerGradient gradient{at::zeros_like(weight), at::zeros_like(norm_weight),
                         at::zeros_like(norm_bias)};
  const int64_t chunks = chunks_of(shape);
  const auto size = static_cast<size_t>((shape.taps + 1) * shape.padded_channels());
  for (int64_t b = 0; b < shape.batch; ++b) {
    std::vector<double> total(size, 0);  // in the order of the chunks, whatever the threads
    for (int64_t i = 0; i < chunks; ++i) {
      const float* part = sums.data() + static_cast<size_t>(b * chunks + i) * size;
      for (size_t k = 0; k < size; ++k) total[k] += part[k];
    }
    add_layer_gradient(total, folded[b], shape, weight.const_data_ptr<float>(),
                       norm_weight.const_data_ptr<float>(), gradient);
  }
  return {gradient.weight, gradient.norm_weight, gradient.norm_bias};
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) {
  library.impl("conv_groupnorm_gelu", &conv_groupnorm_gelu_cpu);
  library.impl("conv_groupnorm_gelu_backward", &conv_groupnorm_gelu_backward_cpu);
}

}  // namespace
}  // namespace s2i
