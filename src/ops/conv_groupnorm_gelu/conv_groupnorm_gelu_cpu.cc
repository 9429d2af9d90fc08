#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <optional>

#include "core/error.h"
#include "ops/conv_groupnorm_gelu/conv_groupnorm_gelu.h"
#include "ops/simd/simd.h"
#include "ops/simd/vector_math.h"

namespace s2i {
namespace {

constexpr int64_t kFramesAtOnce = 4;    // a weight loaded serves so many frames
constexpr int64_t kFramesAChunk = 256;  // a thread's share; float32 sums never run longer

/// Everything about one utterance but its samples. Channels are padded to whole vectors.
struct Folded {
  std::vector<double> mean, deviation;  ///< [C]: of the channel; one over the standard deviation
  std::vector<double> sample_mean;      ///< [K]: of the window's samples
  std::vector<double> covariance;       ///< [K,K]: likewise
  std::vector<float> weight;            ///< [K,Cp]: the convolution with the norm's scale
  std::vector<float> shift;             ///< [Cp]
};

struct Problem {
  int64_t batch, rows, channels, taps, stride;
  double epsilon;
  std::vector<int64_t> frames;

  int64_t padded_channels() const { return (channels + kVecLanes - 1) / kVecLanes * kVecLanes; }
  int64_t padded_samples() const { return rows * stride + taps; }
  int64_t chunks() const { return (rows + kFramesAChunk - 1) / kFramesAChunk; }
};

/// Means and covariances of the K samples in a window, over `count` windows.
void window_statistics(const float* x, const Problem& problem, int64_t count, Folded& folded) {
  const int64_t taps = problem.taps;
  folded.sample_mean.assign(static_cast<size_t>(taps), 0);
  folded.covariance.assign(static_cast<size_t>(taps * taps), 0);
  double* mean = folded.sample_mean.data();
  double* product = folded.covariance.data();
  for (int64_t t = 0; t < count; ++t) {
    const float* window = x + t * problem.stride;
    for (int64_t j = 0; j < taps; ++j) {
      mean[j] += window[j];
      for (int64_t k = 0; k <= j; ++k) {
        product[j * taps + k] += static_cast<double>(window[j]) * window[k];
      }
    }
  }
  const auto n = static_cast<double>(count);
  for (int64_t j = 0; j < taps; ++j) mean[j] /= n;
  for (int64_t j = 0; j < taps; ++j) {
    for (int64_t k = 0; k <= j; ++k) {
      product[j * taps + k] = product[j * taps + k] / n - mean[j] * mean[k];
      product[k * taps + j] = product[j * taps + k];
    }
  }
}

/// The k-th row of the covariances times a channel's weights.
double covariance_row(const Folded& folded, const float* weight, int64_t taps, int64_t j) {
  double sum = 0;
  for (int64_t k = 0; k < taps; ++k) sum += folded.covariance[j * taps + k] * weight[k];
  return sum;
}

Folded fold(const float* x, const Problem& problem, int64_t count, const float* weight,
            const float* norm_weight, const float* norm_bias) {
  Folded folded;
  window_statistics(x, problem, count, folded);
  const int64_t taps = problem.taps, padded = problem.padded_channels();
  folded.mean.resize(static_cast<size_t>(problem.channels));
  folded.deviation.resize(static_cast<size_t>(problem.channels));
  folded.weight.assign(static_cast<size_t>(taps * padded), 0);
  folded.shift.assign(static_cast<size_t>(padded), 0);
  for (int64_t c = 0; c < problem.channels; ++c) {
    const float* w = weight + c * taps;
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < taps; ++j) {
      mean += w[j] * folded.sample_mean[j];
      variance += w[j] * covariance_row(folded, w, taps, j);
    }
    const double deviation = 1 / std::sqrt(std::max(variance, 0.0) + problem.epsilon);
    const double scale = deviation * norm_weight[c];
    for (int64_t j = 0; j < taps; ++j) {
      folded.weight[j * padded + c] = static_cast<float>(w[j] * scale);
    }
    folded.shift[c] = static_cast<float>(norm_bias[c] - mean * scale);
    folded.mean[c] = mean;
    folded.deviation[c] = deviation;
  }
  return folded;
}

struct FrameRange {
  const float* x;  ///< the first frame's window
  int64_t count;
};

/// The normed convolution of four frames, sixteen channels: weight and shift at their first
/// channel.
S2I_INLINE void convolve(const float* const* window, const float* weight, const float* shift,
                         int64_t taps, int64_t padded, Vec* z) {
  for (int i = 0; i < kFramesAtOnce; ++i) z[i] = vec_load(shift);
  for (int64_t j = 0; j < taps; ++j) {
    const Vec w = vec_load(weight + j * padded);
    for (int i = 0; i < kFramesAtOnce; ++i) z[i] += w * window[i][j];
  }
}

/// Frames at the end of a range read the last one again: nothing is written or summed for them.
S2I_INLINE void windows_at(const FrameRange& range, int64_t t, int64_t stride,
                           const float** window) {
  for (int i = 0; i < kFramesAtOnce; ++i) {
    const int64_t frame = t + i < range.count ? t + i : range.count - 1;
    window[i] = range.x + frame * stride;
  }
}

template <typename T>
S2I_INLINE void forward_range(const FrameRange& range, const Problem& problem, const float* weight,
                              const float* shift, T* y) {
  const int64_t padded = problem.padded_channels(), channels = problem.channels;
  for (int64_t t = 0; t < range.count; t += kFramesAtOnce) {
    const float* window[kFramesAtOnce];
    windows_at(range, t, problem.stride, window);
    for (int64_t c = 0; c < channels; c += kVecLanes) {
      Vec z[kFramesAtOnce];
      convolve(window, weight + c, shift + c, problem.taps, padded, z);
      for (int i = 0; i < kFramesAtOnce && t + i < range.count; ++i) {
        vec_store_some(y + (t + i) * channels + c, z[i] * vec_normal(z[i]).cumulative,
                       channels - c);
      }
    }
  }
}

/// Adds to sums [K+1,Cp]: for each tap, the gradient of the folded weight; then that of the shift.
template <typename T>
S2I_INLINE void backward_range(const FrameRange& range, const Problem& problem, const float* weight,
                               const float* shift, const T* grad, float* sums) {
  const int64_t padded = problem.padded_channels(), channels = problem.channels;
  for (int64_t t = 0; t < range.count; t += kFramesAtOnce) {
    const float* window[kFramesAtOnce];
    windows_at(range, t, problem.stride, window);
    for (int64_t c = 0; c < channels; c += kVecLanes) {
      Vec z[kFramesAtOnce], total{};
      convolve(window, weight + c, shift + c, problem.taps, padded, z);
      for (int i = 0; i < kFramesAtOnce; ++i) {
        const bool there = t + i < range.count;
        const NormalVec normal = vec_normal(z[i]);
        const Vec slope = normal.cumulative + z[i] * normal.density;
        z[i] = there ? slope * vec_load_some(grad + (t + i) * channels + c, channels - c) : Vec{};
        total += z[i];
      }
      for (int64_t j = 0; j < problem.taps; ++j) {
        float* sum = sums + j * padded + c;
        Vec s = vec_load(sum);
        for (int i = 0; i < kFramesAtOnce; ++i) s += z[i] * window[i][j];
        vec_store(sum, s);
      }
      float* sum = sums + problem.taps * padded + c;
      vec_store(sum, vec_load(sum) + total);
    }
  }
}

// A function for each type, because clones cannot be templates.
S2I_SIMD void forward_float(const FrameRange& range, const Problem& problem, const float* weight,
                            const float* shift, float* y) {
  forward_range(range, problem, weight, shift, y);
}
S2I_SIMD void forward_bfloat16(const FrameRange& range, const Problem& problem, const float* weight,
                               const float* shift, uint16_t* y) {
  forward_range(range, problem, weight, shift, y);
}
S2I_SIMD void backward_float(const FrameRange& range, const Problem& problem, const float* weight,
                             const float* shift, const float* grad, float* sums) {
  backward_range(range, problem, weight, shift, grad, sums);
}
S2I_SIMD void backward_bfloat16(const FrameRange& range, const Problem& problem,
                                const float* weight, const float* shift, const uint16_t* grad,
                                float* sums) {
  backward_range(range, problem, weight, shift, grad, sums);
}

/// Calls body(utterance, first frame, frames) for every chunk, on all threads.
template <typename Body>
void for_chunks(const Problem& problem, const Body& body) {
  at::parallel_for(0, problem.batch * problem.chunks(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % problem.chunks() * kFramesAChunk;
      body(i / problem.chunks(), first, std::min(kFramesAChunk, problem.rows - first));
    }
  });
}

std::vector<Folded> fold_all(const at::Tensor& samples, const Problem& problem,
                             const at::Tensor& weight, const at::Tensor& norm_weight,
                             const at::Tensor& norm_bias) {
  std::vector<Folded> all(static_cast<size_t>(problem.batch));
  at::parallel_for(0, problem.batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      all[b] = fold(samples.const_data_ptr<float>() + b * problem.padded_samples(), problem,
                    problem.frames[b], weight.const_data_ptr<float>(),
                    norm_weight.const_data_ptr<float>(), norm_bias.const_data_ptr<float>());
    }
  });
  return all;
}

struct LayerGradient {
  at::Tensor weight, norm_weight, norm_bias;
};

/// From the gradients of an utterance's folded weights and shifts, [K+1,Cp], to the layer's own.
void unfold(const std::vector<double>& sums, const Folded& folded, const Problem& problem,
            const float* weight, const float* norm_weight, LayerGradient& gradient) {
  const int64_t taps = problem.taps, padded = problem.padded_channels();
  float* grad_weight = gradient.weight.mutable_data_ptr<float>();
  float* grad_norm_weight = gradient.norm_weight.mutable_data_ptr<float>();
  float* grad_norm_bias = gradient.norm_bias.mutable_data_ptr<float>();
  for (int64_t c = 0; c < problem.channels; ++c) {
    const float* w = weight + c * taps;
    const double shift = sums[taps * padded + c];
    const double deviation = folded.deviation[c], scale = deviation * norm_weight[c];
    double along = -folded.mean[c] * shift;  // the gradient of `scale`
    for (int64_t j = 0; j < taps; ++j) along += sums[j * padded + c] * w[j];
    const double variance = -0.5 * along * norm_weight[c] * deviation * deviation * deviation;
    for (int64_t j = 0; j < taps; ++j) {
      grad_weight[c * taps + j] +=
          static_cast<float>(scale * (sums[j * padded + c] - shift * folded.sample_mean[j]) +
                             2 * variance * covariance_row(folded, w, taps, j));
    }
    grad_norm_weight[c] += static_cast<float>(deviation * along);
    grad_norm_bias[c] += static_cast<float>(shift);
  }
}

class FirstConvGelu : public torch::autograd::Function<FirstConvGelu> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& samples,
                            const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                            const Problem& problem, at::ScalarType type) {
    const at::Tensor w = weight.contiguous();
    ctx->save_for_backward({samples, w, norm_weight, norm_bias});
    ctx->saved_data["has_bias"] = bias.has_value();
    ctx->saved_data["frames"] = problem.frames;
    ctx->saved_data["shape"] = std::vector<int64_t>{problem.rows, problem.stride};
    ctx->saved_data["epsilon"] = problem.epsilon;
    const auto folded = fold_all(samples, problem, w, norm_weight, norm_bias);
    at::Tensor y = at::empty({problem.batch, problem.rows, problem.channels}, type);
    for_chunks(problem, [&](int64_t b, int64_t first, int64_t count) {
      const FrameRange range = range_of(samples, problem, b, first, count);
      const int64_t offset = (b * problem.rows + first) * problem.channels;
      const float *weights = folded[b].weight.data(), *shifts = folded[b].shift.data();
      if (type == at::kFloat) {
        forward_float(range, problem, weights, shifts, y.data_ptr<float>() + offset);
      } else {
        forward_bfloat16(range, problem, weights, shifts,
                         static_cast<uint16_t*>(y.data_ptr()) + offset);
      }
    });
    return y;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& grads) {
    const auto saved = ctx->get_saved_variables();
    const at::Tensor &samples = saved[0], &weight = saved[1], &norm_weight = saved[2],
                     &norm_bias = saved[3];
    const auto shape = ctx->saved_data["shape"].toIntVector();
    const Problem problem{samples.size(0),
                          shape[0],
                          weight.size(0),
                          weight.size(2),
                          shape[1],
                          ctx->saved_data["epsilon"].toDouble(),
                          ctx->saved_data["frames"].toIntVector()};
    const auto folded = fold_all(samples, problem, weight, norm_weight, norm_bias);
    const std::vector<float> sums = chunk_sums(samples, grads[0].contiguous(), problem, folded);

    LayerGradient gradient{at::zeros_like(weight), at::zeros_like(norm_weight),
                           at::zeros_like(norm_bias)};
    const auto width = static_cast<size_t>((problem.taps + 1) * problem.padded_channels());
    for (int64_t b = 0; b < problem.batch; ++b) {
      std::vector<double> total(width, 0);  // in the order of the chunks, whichever thread had them
      for (int64_t i = 0; i < problem.chunks(); ++i) {
        const float* part = sums.data() + static_cast<size_t>(b * problem.chunks() + i) * width;
        for (size_t k = 0; k < width; ++k) total[k] += part[k];
      }
      unfold(total, folded[b], problem, weight.const_data_ptr<float>(),
             norm_weight.const_data_ptr<float>(), gradient);
    }
    const bool has_bias = ctx->saved_data["has_bias"].toBool();
    return {at::Tensor(),
            gradient.weight,
            has_bias ? at::zeros_like(norm_bias) : at::Tensor(),
            gradient.norm_weight,
            gradient.norm_bias,
            at::Tensor(),
            at::Tensor()};
  }

 private:
  static FrameRange range_of(const at::Tensor& samples, const Problem& problem, int64_t b,
                             int64_t first, int64_t count) {
    return {samples.const_data_ptr<float>() + b * problem.padded_samples() + first * problem.stride,
            count};
  }

  /// [B,chunks,K+1,Cp]
  static std::vector<float> chunk_sums(const at::Tensor& samples, const at::Tensor& grad,
                                       const Problem& problem, const std::vector<Folded>& folded) {
    const int64_t width = (problem.taps + 1) * problem.padded_channels();
    std::vector<float> sums(static_cast<size_t>(problem.batch * problem.chunks() * width), 0);
    for_chunks(problem, [&](int64_t b, int64_t first, int64_t count) {
      const FrameRange range = range_of(samples, problem, b, first, count);
      const int64_t offset = (b * problem.rows + first) * problem.channels;
      float* sum = sums.data() + (b * problem.chunks() + first / kFramesAChunk) * width;
      const float *weights = folded[b].weight.data(), *shifts = folded[b].shift.data();
      if (grad.scalar_type() == at::kFloat) {
        backward_float(range, problem, weights, shifts, grad.const_data_ptr<float>() + offset, sum);
      } else {
        backward_bfloat16(range, problem, weights, shifts,
                          static_cast<const uint16_t*>(grad.const_data_ptr()) + offset, sum);
      }
    });
    return sums;
  }
};

}  // namespace

at::Tensor conv_groupnorm_gelu_cpu(const at::Tensor& audio, const ConvGroupNormGelu& layer,
                                   const std::vector<int64_t>& frames, at::ScalarType type) {
  S2I_CHECK(audio.is_cpu() && audio.scalar_type() == at::kFloat && layer.weight.size(1) == 1);
  const int64_t rows = audio.size(1) / layer.stride, taps = layer.weight.size(2);
  S2I_CHECK(rows * layer.stride == audio.size(1));
  const Problem problem{audio.size(0), rows,  layer.weight.size(0), taps, layer.stride,
                        layer.epsilon, frames};
  // The last rows' windows reach past the end.
  const at::Tensor samples = at::constant_pad_nd(audio, {0, taps}).contiguous();
  return FirstConvGelu::apply(samples, layer.weight,
                              layer.bias.defined() ? std::optional(layer.bias) : std::nullopt,
                              layer.norm_weight, layer.norm_bias, problem, type);
}

}  // namespace s2i
