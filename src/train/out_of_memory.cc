#include "train/out_of_memory.h"

#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>

#include "core/error.h"

namespace s2i {

bool is_out_of_memory(const std::exception& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return true;
  // Errors without an exception type: LibTorch's host allocator (pinned memory included), and the
  // CUDA libraries that allocate workspaces.
  constexpr std::array<std::string_view, 5> kTexts = {
      "DefaultCPUAllocator: ", "CUDA error: out of memory", "CUDA failed: out of memory",
      "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"};
  const std::string_view text = error.what();
  return std::ranges::any_of(
      kTexts, [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

std::string describe_batch(std::span<const uint32_t> utterances, int64_t length_multiple,
                           const Dataset& dataset) {
  if (utterances.empty()) return "no batch";
  uint64_t real = 0;
  uint32_t longest = utterances.front();
  for (const uint32_t utterance : utterances) {
    real += dataset.num_samples(utterance);
    if (dataset.num_samples(utterance) > dataset.num_samples(longest)) longest = utterance;
  }
  const auto multiple = static_cast<uint64_t>(length_multiple);
  const uint64_t width = (dataset.num_samples(longest) + multiple - 1) / multiple * multiple;
  const double padding =
      1.0 - static_cast<double>(real) / static_cast<double>(utterances.size() * width);
  return fmt::format("{} utterances of {} samples ({:.1f} s, {:.0f}% padding; the longest is '{}')",
                     utterances.size(), width,
                     static_cast<double>(width) / static_cast<double>(dataset.sample_rate()),
                     100 * padding, dataset.id(longest));
}

}  // namespace s2i
