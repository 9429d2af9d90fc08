#include "cluster/comm/stop_vote.h"

namespace s2i {

void StopVote::start(int received) {
  if (signals_.empty()) return;
  std::vector<double> votes;
  votes.reserve(signals_.size());
  for (const int signal : signals_) votes.push_back(received == signal ? 1 : 0);
  votes_.emplace(communicator_, votes, "stop vote");
}

int StopVote::wait() {
  if (!votes_) return 0;
  const std::vector<double> votes = std::exchange(votes_, std::nullopt)->wait();
  for (size_t i = 0; i < signals_.size(); ++i) {
    if (votes[i] > 0) return signals_[i];
  }
  return 0;
}

}  // namespace s2i
