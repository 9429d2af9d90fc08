// Forward and backward passes of an operation with their time on the device.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "operation_cases.h"

namespace s2i {

enum class Pass { kForward, kForwardBackward };

class TimedRun {
 public:
  /// Copies the inputs to the device.
  TimedRun(const OperationCase& c, Pass pass, at::Device device);

  /// Runs the operation once and returns its seconds: of wall time on the CPU, between two events
  /// of the stream on a GPU.
  double run() { return time(operation_); }

  bool has_plain() const { return plain_ != nullptr; }
  double run_plain() { return time(plain_); }

 private:
  double time(const Operation& operation);
  at::Tensor forward(const Operation& operation) const;

  Pass pass_;
  at::Device device_;
  Operation operation_, plain_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace s2i
