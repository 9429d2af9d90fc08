#include "cluster/reduce/fixed_order_sum.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "core/clock.h"
#include "core/error.h"

namespace s2i {

FixedOrderSum::FixedOrderSum(const at::Tensor& gradients, Communicator& communicator)
    : gradients_(gradients), communicator_(communicator) {
  const int64_t ranks = communicator.size();
  const int64_t slice = (gradients.numel() + ranks - 1) / ranks;
  sent_ = at::zeros({ranks * slice}, gradients.options());
  received_ = at::empty({ranks, slice}, gradients.options());
  sum_ = at::zeros({slice}, gradients.options());
}

void FixedOrderSum::begin() {
  const at::NoGradGuard no_grad;
  sum_.zero_();
  seconds_ = 0;
}

void FixedOrderSum::add_round(int contributors) {
  S2I_CHECK(contributors >= 1 && contributors <= communicator_.size(), "{} of {} ranks",
            contributors, communicator_.size());
  const at::NoGradGuard no_grad;
  sent_.narrow(0, 0, gradients_.numel()).copy_(gradients_);
  const Stopwatch watch;
  communicator_.start_all_to_all(received_, sent_, "gradients of a round")->wait();
  seconds_ += watch.seconds();
  for (int64_t rank = 0; rank < contributors; ++rank) sum_.add_(received_[rank]);
}

double FixedOrderSum::finish() {
  const at::NoGradGuard no_grad;
  const Stopwatch watch;
  communicator_.start_all_gather(received_, sum_, "summed gradients")->wait();
  seconds_ += watch.seconds();
  gradients_.copy_(received_.view({-1}).narrow(0, 0, gradients_.numel()));
  return seconds_;
}

}  // namespace s2i
