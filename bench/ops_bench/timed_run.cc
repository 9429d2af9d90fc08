#include "timed_run.h"

#include <ATen/Functions.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include "core/clock.h"

namespace s2i {
namespace {

/// Seconds of body() on the device.
template <typename Body>
double seconds_of(at::Device device, const Body& body) {
  if (device.is_cpu()) {
    const Stopwatch watch;
    body();
    return watch.seconds();
  }
  const c10::Stream stream = c10::impl::VirtualGuardImpl(device.type()).getStream(device);
  c10::Event begin(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  c10::Event end(device.type(), c10::EventFlag::BACKEND_DEFAULT);
  begin.record(stream);
  body();
  end.record(stream);
  end.synchronize();
  return begin.elapsedTime(end) / 1000;  // milliseconds
}

}  // namespace

TimedRun::TimedRun(const OperationCase& c, Pass pass, at::Device device)
    : pass_(pass), device_(device), operation_(c.run) {
  if (!c.plain_is_cpu_forward_only || (device.is_cpu() && pass == Pass::kForward)) plain_ = c.plain;
  for (const at::Tensor& input : c.inputs()) {
    inputs_.push_back(input.detach().to(device).set_requires_grad(input.requires_grad()));
  }
}

double TimedRun::time(const Operation& operation) {
  if (pass_ == Pass::kForward) {
    const c10::NoGradGuard no_grad;
    return seconds_of(device_, [&] { operation(inputs_); });
  }
  // The gradient is made before: its time is not the operation's.
  const at::Tensor grad = at::ones_like(forward(operation));
  const double seconds = seconds_of(device_, [&] { operation(inputs_).backward(grad); });
  for (at::Tensor& input : inputs_) input.mutable_grad().reset();
  return seconds;
}

at::Tensor TimedRun::forward(const Operation& operation) const {
  const c10::NoGradGuard no_grad;
  return operation(inputs_);
}

}  // namespace s2i
