#include "audio/normalize.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace s2i {
namespace {

/// Sum of f(x) in double with eight partial sums, so that the compiler can vectorize it.
template <typename Function>
double sum_of(std::span<const float> samples, Function f) {
  constexpr size_t kLanes = 8;
  std::array<double, kLanes> partial{};
  size_t i = 0;
  for (; i + kLanes <= samples.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) partial[lane] += f(samples[i + lane]);
  }
  double sum = 0;
  for (; i < samples.size(); ++i) sum += f(samples[i]);
  for (const double part : partial) sum += part;
  return sum;
}

}  // namespace

void normalize(std::span<float> samples) {
  constexpr double kEpsilon = 1e-7;
  if (samples.empty()) return;
  const auto count = static_cast<double>(samples.size());
  const double mean = sum_of(samples, [](float x) { return static_cast<double>(x); }) / count;
  const double variance = sum_of(samples,
                                 [mean](float x) {
                                   const double distance = static_cast<double>(x) - mean;
                                   return distance * distance;
                                 }) /
                          count;
  const double scale = 1.0 / std::sqrt(variance + kEpsilon);
  for (float& sample : samples) {
    sample = static_cast<float>((static_cast<double>(sample) - mean) * scale);
  }
}

}  // namespace s2i
