#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>

#include "ops/position_gate/gate_arguments.h"
#include "ops/position_gate/gate_frames.h"

namespace s2i {
namespace {

constexpr int64_t kFramesPerChunk = 32;  // a task of a thread; no float32 sum is longer

/// Calls use(utterance, first frame, frames, chunk) for chunks of frames, in parallel.
template <typename Use>
void for_chunks(const GateShape& shape, const Use& use) {
  const int64_t chunks = (shape.frames + kFramesPerChunk - 1) / kFramesPerChunk;
  at::parallel_for(0, shape.batch * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % chunks * kFramesPerChunk;
      use(i / chunks, first, std::min(kFramesPerChunk, shape.frames - first), i);
    }
  });
}

at::Tensor position_gate_cpu(const at::Tensor& x_, const at::Tensor& weight, const at::Tensor& bias,
                             const at::Tensor& scale_) {
  const GateShape shape = check_position_gate(x_, weight, bias, scale_);
  const at::Tensor x = x_.contiguous(), scale = scale_.contiguous();
  const at::Tensor summed = summed_gate_weights(weight, bias).contiguous();
  const at::Tensor gate =
      at::empty({shape.batch, shape.heads, shape.frames}, x.options().dtype(at::kFloat));
  float* out = gate.mutable_data_ptr<float>();
  for_chunks(shape, [&](int64_t b, int64_t first, int64_t count, int64_t /*chunk*/) {
    const GateFrames frames{count,
                            shape.heads,
                            shape.width,
                            shape.frames,
                            summed.const_data_ptr<float>(),
                            scale.const_data_ptr<float>()};
    const int64_t from = (b * shape.frames + first) * shape.heads * shape.width;
    float* to = out + b * shape.heads * shape.frames + first;
    if (x.scalar_type() == at::kFloat) {
      gate_forward(frames, x.const_data_ptr<float>() + from, to);
    } else {
      gate_forward(frames, static_cast<const uint16_t*>(x.const_data_ptr()) + from, to);
    }
  });
  return gate;
}

PositionGateGradients position_gate_backward_cpu(const at::Tensor& grad_, const at::Tensor& x_,
                                                 const at::Tensor& weight, const at::Tensor& bias,
                                                 const at::Tensor& scale_) {
  const GateShape shape = check_position_gate(x_, weight, bias, scale_);
  const at::Tensor grad = grad_.contiguous(), x = x_.contiguous(), scale = scale_.contiguous();
  const at::Tensor summed = summed_gate_weights(weight, bias).contiguous();
  const at::Tensor x_grad = at::empty(x.sizes(), x.options());
  const int64_t chunks = shape.batch * ((shape.frames + kFramesPerChunk - 1) / kFramesPerChunk);
  const at::Tensor weight_parts = at::zeros({chunks, 2, shape.width + 1}, weight.options());
  const at::Tensor scale_parts = at::zeros({chunks, shape.heads}, weight.options());
  for_chunks(shape, [&](int64_t b, int64_t first, int64_t count, int64_t chunk) {
    const GateFrames frames{count,
                            shape.heads,
                            shape.width,
                            shape.frames,
                            summed.const_data_ptr<float>(),
                            scale.const_data_ptr<float>()};
    const int64_t from = (b * shape.frames + first) * shape.heads * shape.width;
    const float* g = grad.const_data_ptr<float>() + b * shape.heads * shape.frames + first;
    float* weight_part = weight_parts.mutable_data_ptr<float>() + chunk * 2 * (shape.width + 1);
    float* scale_part = scale_parts.mutable_data_ptr<float>() + chunk * shape.heads;
    if (x.scalar_type() == at::kFloat) {
      gate_backward(frames, g, x.const_data_ptr<float>() + from,
                    x_grad.mutable_data_ptr<float>() + from, weight_part, scale_part);
    } else {
      gate_backward(frames, g, static_cast<const uint16_t*>(x.const_data_ptr()) + from,
                    static_cast<uint16_t*>(x_grad.mutable_data_ptr()) + from, weight_part,
                    scale_part);
    }
  });
  // In double, so that the order of the additions does not show.
  const auto total = [](const at::Tensor& parts) {
    return parts.to(at::kDouble).sum(0).to(at::kFloat);
  };
  const auto [weight_grad, bias_grad] = gradients_of_outputs(total(weight_parts));
  return {x_grad, weight_grad, bias_grad, total(scale_parts)};
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) {
  library.impl("position_gate", &position_gate_cpu);
  library.impl("position_gate_backward", &position_gate_backward_cpu);
}

}  // namespace
}  // namespace s2i
