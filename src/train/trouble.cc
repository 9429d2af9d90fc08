#include "train/trouble.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <numeric>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace s2i {

bool SpikeDetector::add(double loss) {
  constexpr size_t kWindow = 64;
  constexpr size_t kEnough = 16;
  constexpr double kLeastMedian = 0.1;
  if (!std::isfinite(loss)) return false;
  bool spike = false;
  if (factor_ > 0 && recent_.size() >= kEnough) {
    std::vector<double> sorted(recent_.begin(), recent_.end());
    const auto middle = sorted.begin() + static_cast<ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    spike = loss > factor_ * std::max(*middle, kLeastMedian);
  }
  recent_.push_back(loss);
  if (recent_.size() > kWindow) recent_.pop_front();
  return spike;
}

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  // LibTorch's allocator for the host has no type of its own for this.
  return dynamic_cast<const c10::Error*>(&error) != nullptr &&
         std::string_view(error.what()).find("DefaultCPUAllocator") != std::string_view::npos;
}

std::string figure_text(double value) {
  return std::isnan(value) ? "nan" : fmt::format("{}", value);
}

std::string batch_text(const Batch& batch, const Dataset& dataset) {
  if (batch.rows == 0) return "no batch";
  const auto longest = std::max_element(batch.length.begin(), batch.length.end());
  const auto row = static_cast<size_t>(longest - batch.length.begin());
  const int64_t real = std::accumulate(batch.length.begin(), batch.length.end(), int64_t{0});
  const double padding =
      1.0 - static_cast<double>(real) / static_cast<double>(batch.rows * batch.samples);
  return fmt::format("{} utterances of {} samples ({:.1f} s, {:.0f}% padding; the longest is '{}')",
                     batch.rows, batch.samples,
                     static_cast<double>(batch.samples) / dataset.sample_rate(), 100 * padding,
                     dataset.id(batch.utterance[row]));
}

}  // namespace s2i
