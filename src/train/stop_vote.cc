#include "train/stop_vote.h"

#include <ATen/ops/zeros.h>

namespace s2i {

void StopVote::start(int received) {
  if (signals_.empty()) return;
  votes_ = at::zeros({static_cast<int64_t>(signals_.size())}, at::kDouble);
  auto* votes = votes_.mutable_data_ptr<double>();
  for (size_t i = 0; i < signals_.size(); ++i) votes[i] = received == signals_[i] ? 1 : 0;
  pending_ = communicator_.start_all_reduce(votes_, ReduceOp::kSum, "stop vote");
}

int StopVote::wait() {
  if (!pending_) return 0;
  pending_->wait();
  pending_.reset();
  const auto* votes = votes_.const_data_ptr<double>();
  for (size_t i = 0; i < signals_.size(); ++i) {
    if (votes[i] > 0) return signals_[i];
  }
  return 0;
}

}  // namespace s2i
