#include "ops/conv_groupnorm_gelu/utterance_fold.h"

#include <algorithm>
#include <cmath>

namespace s2i {
namespace {

/// Means and covariances of the K samples in a window, over `count` windows.
void window_statistics(const float* x, const ConvShape& shape, int64_t count,
                       UtteranceFold& folded) {
  const int64_t taps = shape.taps;
  folded.sample_mean.assign(static_cast<size_t>(taps), 0);
  folded.covariance.assign(static_cast<size_t>(taps * taps), 0);
  double* mean = folded.sample_mean.data();
  double* product = folded.covariance.data();
  for (int64_t t = 0; t < count; ++t) {
    const float* window = x + t * shape.stride;
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

/// Row j of the covariances times the weights of a channel.
double covariance_row(const UtteranceFold& folded, const float* weight, int64_t taps, int64_t j) {
  double sum = 0;
  for (int64_t k = 0; k < taps; ++k) sum += folded.covariance[j * taps + k] * weight[k];
  return sum;
}

}  // namespace

UtteranceFold fold_utterance(const float* x, const ConvShape& shape, int64_t count,
                             const float* weight, const float* norm_weight,
                             const float* norm_bias) {
  UtteranceFold folded;
  window_statistics(x, shape, count, folded);
  const int64_t taps = shape.taps, padded = shape.padded_channels();
  folded.mean.resize(static_cast<size_t>(shape.channels));
  folded.deviation.resize(static_cast<size_t>(shape.channels));
  folded.weight.assign(static_cast<size_t>(taps * padded), 0);
  folded.shift.assign(static_cast<size_t>(padded), 0);
  for (int64_t c = 0; c < shape.channels; ++c) {
    const float* w = weight + c * taps;
    double mean = 0, variance = 0;
    for (int64_t j = 0; j < taps; ++j) {
      mean += w[j] * folded.sample_mean[j];
      variance += w[j] * covariance_row(folded, w, taps, j);
    }
    const double deviation = 1 / std::sqrt(std::max(variance, 0.0) + shape.epsilon);
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

void add_layer_gradient(const std::vector<double>& sums, const UtteranceFold& folded,
                        const ConvShape& shape, const float* weight, const float* norm_weight,
                        LayerGradient& gradient) {
  const int64_t taps = shape.taps, padded = shape.padded_channels();
  float* grad_weight = gradient.weight.mutable_data_ptr<float>();
  float* grad_norm_weight = gradient.norm_weight.mutable_data_ptr<float>();
  float* grad_norm_bias = gradient.norm_bias.mutable_data_ptr<float>();
  for (int64_t c = 0; c < shape.channels; ++c) {
    const float* w = weight + c * taps;
    const double shift = sums[taps * padded + c];
    const double deviation = folded.deviation[c], scale = deviation * norm_weight[c];
    double grad_scale = -folded.mean[c] * shift;
    for (int64_t j = 0; j < taps; ++j) grad_scale += sums[j * padded + c] * w[j];
    const double grad_variance =
        -0.5 * grad_scale * norm_weight[c] * deviation * deviation * deviation;
    for (int64_t j = 0; j < taps; ++j) {
      grad_weight[c * taps + j] +=
          static_cast<float>(scale * (sums[j * padded + c] - shift * folded.sample_mean[j]) +
                             2 * grad_variance * covariance_row(folded, w, taps, j));
    }
    grad_norm_weight[c] += static_cast<float>(deviation * grad_scale);
    grad_norm_bias[c] += static_cast<float>(shift);
  }
}

}  // namespace s2i
