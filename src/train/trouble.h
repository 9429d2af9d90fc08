// What to make of training that goes wrong: losses that jump, memory that runs out.
#pragma once

#include <cstdint>
#include <deque>
#include <exception>
#include <span>
#include <string>

#include "data/dataset.h"

namespace s2i {

/// Flags a loss that is far above the median of those before it.
class SpikeDetector {
 public:
  /// A spike is over `factor` times the median of the last 64 losses, once there are 16. A median
  /// below 0.1 counts as 0.1: when almost all is learned, one hard utterance is no spike. 0: never.
  explicit SpikeDetector(double factor) : factor_(factor) {}

  /// Whether this loss is a spike; remembers it. One that is not finite is neither.
  bool add(double loss);

 private:
  double factor_;
  std::deque<double> recent_;
};

/// Whether an exception says that memory ran out, on a GPU or on the host.
bool is_out_of_memory(const std::exception& error);

/// A figure as text: "nan" whatever its sign, which says nothing.
std::string figure_text(double value);

/// The shape of a micro-batch of these utterances for a message: how many, the longest, padding.
/// Padded to a multiple of `length_multiple` samples.
std::string batch_text(std::span<const uint32_t> utterances, int64_t length_multiple,
                       const Dataset& dataset);

}  // namespace s2i
