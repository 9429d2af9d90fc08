#include "train/check_precision.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "core/clock.h"

namespace s2i {
namespace {

double seconds_of_product(at::ScalarType type) {
  constexpr int64_t kSize = 384;  // as fast per operation as larger ones, and short
  constexpr int kRepeats = 5;
  const at::Tensor matrix = at::ones({kSize, kSize}, type);
  at::mm(matrix, matrix);  // creates what the library keeps
  double best = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRepeats; ++i) {
    const Stopwatch watch;
    at::mm(matrix, matrix);
    best = std::min(best, watch.seconds());
  }
  return best;
}

}  // namespace

double measure_bf16_ratio() {
  const at::NoGradGuard no_grad;
  const double fp32 = seconds_of_product(at::kFloat);
  return seconds_of_product(at::kBFloat16) / fp32;
}

std::string bf16_warning(double ratio) {
  constexpr double kNoise = 1.5;
  if (ratio <= kNoise) return "";
  return fmt::format(
      "precision=bf16 is slow on this processor, which seems to have no bf16 instructions: a "
      "matrix "
      "product takes {:.1f} times as long as in fp32; set precision=fp32",
      ratio);
}

}  // namespace s2i
