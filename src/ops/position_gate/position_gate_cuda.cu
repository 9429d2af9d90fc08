#include <cuda_bf16.h>

#include "ops/cuda_kernel.h"
#include "ops/position_gate/position_gate_cuda.h"

namespace s2i {
namespace {

constexpr int kThreads = 128;

/// A thread has one frame and head. Neighboring threads have neighboring heads, so their values of
/// x are contiguous.
struct GateRow {
  int64_t row;  ///< of [B,T,H]
  int64_t head;
  int64_t output;  ///< of [B,H,T]
};

__device__ GateRow row_of_thread(const GateShape& shape) {
  const int64_t row = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  const int64_t head = row % shape.heads, frame = row / shape.heads % shape.frames;
  const int64_t utterance = row / shape.heads / shape.frames;
  return {row, head, (utterance * shape.heads + head) * shape.frames + frame};
}

template <typename Scalar>
__device__ Gates gates_at(const Scalar* x, const float* weight, int64_t width) {
  float a = weight[width], r = weight[2 * width + 1];
  for (int64_t j = 0; j < width; ++j) {
    const float value = static_cast<float>(x[j]);
    a += value * weight[j];
    r += value * weight[width + 1 + j];
  }
  return gates_of(a, r);
}

template <typename Scalar>
__global__ void forward_kernel(const Scalar* x, const float* weight, const float* scale,
                               float* gate, const GateShape shape) {
  const GateRow at = row_of_thread(shape);
  if (at.row >= shape.batch * shape.frames * shape.heads) return;
  gate[at.output] =
      gate_value(gates_at(x + at.row * shape.width, weight, shape.width), scale[at.head]);
}

template <typename Scalar>
__global__ void backward_kernel(const float* grad, const Scalar* x, const float* weight,
                                const float* scale, Scalar* x_grad, Scalar* sums,
                                float* scale_parts, const GateShape shape) {
  const GateRow at = row_of_thread(shape);
  if (at.row >= shape.batch * shape.frames * shape.heads) return;
  const int64_t first = at.row * shape.width;
  const Gates gates = gates_at(x + first, weight, shape.width);
  const GateGradient g = gate_gradient(gates, scale[at.head], grad[at.output]);
  for (int64_t j = 0; j < shape.width; ++j) {
    x_grad[first + j] =
        static_cast<Scalar>(g.a_sum * weight[j] + g.r_sum * weight[shape.width + 1 + j]);
  }
  sums[2 * at.row] = static_cast<Scalar>(g.a_sum);
  sums[2 * at.row + 1] = static_cast<Scalar>(g.r_sum);
  scale_parts[at.row] = g.scale;
}

template <typename Scalar>
cudaError_t forward(const void* x, const float* weight, const float* scale, float* gate,
                    const GateShape& shape, cudaStream_t stream) {
  return launch_kernel(forward_kernel<Scalar>, blocks_for(shape.rows(), kThreads), kThreads, stream,
                       static_cast<const Scalar*>(x), weight, scale, gate, shape);
}

template <typename Scalar>
cudaError_t backward(const float* grad, const void* x, const float* weight, const float* scale,
                     void* x_grad, void* sums, float* scale_parts, const GateShape& shape,
                     cudaStream_t stream) {
  return launch_kernel(backward_kernel<Scalar>, blocks_for(shape.rows(), kThreads), kThreads,
                       stream, grad, static_cast<const Scalar*>(x), weight, scale,
                       static_cast<Scalar*>(x_grad), static_cast<Scalar*>(sums), scale_parts,
                       shape);
}

}  // namespace

cudaError_t launch_position_gate(const void* x, bool bfloat16, const float* weight,
                                 const float* scale, float* gate, const GateShape& shape,
                                 cudaStream_t stream) {
  return bfloat16 ? forward<__nv_bfloat16>(x, weight, scale, gate, shape, stream)
                  : forward<float>(x, weight, scale, gate, shape, stream);
}

cudaError_t launch_position_gate_backward(const float* grad, const void* x, bool bfloat16,
                                          const float* weight, const float* scale, void* x_grad,
                                          void* sums, float* scale_parts, const GateShape& shape,
                                          cudaStream_t stream) {
  return bfloat16
             ? backward<__nv_bfloat16>(grad, x, weight, scale, x_grad, sums, scale_parts, shape,
                                       stream)
             : backward<float>(grad, x, weight, scale, x_grad, sums, scale_parts, shape, stream);
}

}  // namespace s2i
