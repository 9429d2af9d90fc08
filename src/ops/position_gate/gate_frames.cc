#include "ops/position_gate/gate_frames.h"

#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

S2I_INLINE float sum_of(Vec v) {
  float sum = 0;
  for (int i = 0; i < kVecLanes; ++i) sum += v[i];
  return sum;
}

template <typename T>
S2I_INLINE Gates gates_at(const GateFrames& f, const T* x) {
  Vec a{}, r{};
  const float* a_weight = f.weight;
  const float* r_weight = f.weight + f.width + 1;
  for (int64_t j = 0; j < f.width; j += kVecLanes) {
    const int64_t lanes = f.width - j;
    const Vec v = vec_load_some(x + j, lanes);
    a += v * vec_load_some(a_weight + j, lanes);
    r += v * vec_load_some(r_weight + j, lanes);
  }
  return gates_of(sum_of(a) + a_weight[f.width], sum_of(r) + r_weight[f.width]);
}

template <typename T>
S2I_INLINE void forward(GateFrames f, const T* x, float* gate) {
  for (int64_t t = 0; t < f.count; ++t) {
    for (int64_t h = 0; h < f.heads; ++h) {
      const Gates gates = gates_at(f, x + (t * f.heads + h) * f.width);
      gate[h * f.frames + t] = gate_value(gates, f.scale[h]);
    }
  }
}

template <typename T>
S2I_INLINE void backward(GateFrames f, const float* grad, const T* x, T* x_grad, float* weight_grad,
                         float* scale_grad) {
  const float* a_weight = f.weight;
  const float* r_weight = f.weight + f.width + 1;
  float* a_grad = weight_grad;
  float* r_grad = weight_grad + f.width + 1;
  for (int64_t t = 0; t < f.count; ++t) {
    for (int64_t h = 0; h < f.heads; ++h) {
      const int64_t first = (t * f.heads + h) * f.width;
      const Gates gates = gates_at(f, x + first);
      const GateGradient g = gate_gradient(gates, f.scale[h], grad[h * f.frames + t]);
      for (int64_t j = 0; j < f.width; j += kVecLanes) {
        const int64_t lanes = f.width - j;
        const Vec v = vec_load_some(x + first + j, lanes);
        vec_store_some(x_grad + first + j,
                       g.a_sum * vec_load_some(a_weight + j, lanes) +
                           g.r_sum * vec_load_some(r_weight + j, lanes),
                       lanes);
        vec_store_some(a_grad + j, vec_load_some(a_grad + j, lanes) + g.a_sum * v, lanes);
        vec_store_some(r_grad + j, vec_load_some(r_grad + j, lanes) + g.r_sum * v, lanes);
      }
      a_grad[f.width] += g.a_sum;
      r_grad[f.width] += g.r_sum;
      scale_grad[h] += g.scale;
    }
  }
}

}  // namespace

// Target clones cannot be templates.
S2I_SIMD void gate_forward(const GateFrames& frames, const float* x, float* gate) {
  forward(frames, x, gate);
}
S2I_SIMD void gate_forward(const GateFrames& frames, const uint16_t* x, float* gate) {
  forward(frames, x, gate);
}
S2I_SIMD void gate_backward(const GateFrames& frames, const float* grad, const float* x,
                            float* x_grad, float* weight_grad, float* scale_grad) {
  backward(frames, grad, x, x_grad, weight_grad, scale_grad);
}
S2I_SIMD void gate_backward(const GateFrames& frames, const float* grad, const uint16_t* x,
                            uint16_t* x_grad, float* weight_grad, float* scale_grad) {
  backward(frames, grad, x, x_grad, weight_grad, scale_grad);
}

}  // namespace s2i
