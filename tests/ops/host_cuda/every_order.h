// Runs a test in every order of threads and blocks.
#pragma once

#include <cuda_runtime_api.h>

namespace s2i {

/// Calls test(name of the order) for each order.
template <typename Test>
void for_every_order(const Test& test) {
  host_cuda::set_order(host_cuda::Order::kForward);
  test("forward");
  host_cuda::set_order(host_cuda::Order::kBackward);
  test("backward");
  host_cuda::set_order(host_cuda::Order::kShuffled);
  test("shuffled");
  host_cuda::set_order(host_cuda::Order::kForward);
}

}  // namespace s2i
