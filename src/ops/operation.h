// How a C++ function calls its operation through LibTorch's dispatcher, which picks the kernel for
// the tensors' device.
//
// Every operation is a folder here. For an operation `name` it holds
//
//   name.h             the public function: shapes, types, errors, source
//   name.cc            the schema s2i::name, shape checks, autograd and the kernel for meta tensors
//   name_cpu.cc        the CPU kernel
//   name_cuda.h/.cu    the CUDA kernel over plain pointers and a stream, without LibTorch headers
//   name_cuda.cc       its registration
//   name_reference.*   a plain implementation, which the tests and benchmarks compare with
//
// An operation that consists of LibTorch calls has one kernel for all devices in name.cc instead;
// its header says so.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace s2i {

/// The operation with this name ("s2i::dropout") and the signature of its kernels. Throws
/// c10::Error if it is not registered in this program or has another signature. Slow; keep the
/// result in a local static.
template <typename Signature>
c10::TypedOperatorHandle<Signature> find_operation(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

}  // namespace s2i
