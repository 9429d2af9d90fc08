// The operations and shapes that ops_bench measures.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

namespace s2i {

using Operation = std::function<at::Tensor(const std::vector<at::Tensor>&)>;

/// What limits an operation, and so what its rate is given in.
enum class Bound { kBytes, kFlop };

struct OperationCase {
  std::string name;  ///< operation/shape/type
  /// On the CPU; those that require a gradient get one in the backward pass.
  std::function<std::vector<at::Tensor>()> inputs;
  Operation run;
  /// The plain form of the operation; may be empty.
  Operation plain = nullptr;
  bool plain_is_cpu_forward_only = false;

  Bound bound = Bound::kBytes;
  double forward_work = 0;   ///< bytes that have to be read and written, or FLOP
  double backward_work = 0;  ///< of the backward pass alone; 0: there is none
};

/// Shape "small" takes milliseconds on a CPU core; "base" is eight utterances of 4 s through WavLM
/// Base.
std::vector<OperationCase> operation_cases();

}  // namespace s2i
