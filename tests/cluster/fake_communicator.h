// A communicator that records the calls, for tests with a single rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cluster/comm/communicator.h"
#include "core/error.h"

namespace s2i {

/// Writes "start LABEL" and "wait LABEL" to a log, to which the test may write as well. The result
/// of an all-reduce appears only in wait(): twice the input, as if a second rank had the same
/// input.
class FakeCommunicator : public Communicator {
 public:
  explicit FakeCommunicator(std::vector<std::string>& log) : log_(log) {}

  /// The collective whose wait() fails.
  std::string failing_label;

  int rank() const override { return 0; }
  int size() const override { return 2; }

  std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor& tensor, ReduceOp,
                                                      const std::string& label) override {
    log_.push_back("start " + label);
    return std::make_unique<Pending>(*this, tensor, label);
  }
  std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor&, int,
                                                     const std::string&) override {
    S2I_CHECK(false, "not expected");
  }
  std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor&, const at::Tensor&,
                                                      const std::string&) override {
    S2I_CHECK(false, "not expected");
  }
  std::unique_ptr<PendingCollective> start_reduce_scatter(const at::Tensor&, const at::Tensor&,
                                                          const std::string&) override {
    S2I_CHECK(false, "not expected");
  }
  std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor&, const at::Tensor&,
                                                      const std::string&) override {
    S2I_CHECK(false, "not expected");
  }

 private:
  class Pending : public PendingCollective {
   public:
    Pending(FakeCommunicator& owner, at::Tensor tensor, std::string label)
        : owner_(owner), tensor_(std::move(tensor)), label_(std::move(label)) {}
    bool test() override { return done_; }
    void wait() override {
      owner_.log_.push_back("wait " + label_);
      if (label_ == owner_.failing_label) throw RunError("{} failed", label_);
      if (!done_) tensor_.mul_(2);
      done_ = true;
    }
    std::optional<CollectiveTiming> timing() override {
      return CollectiveTiming{.busy = 4, .arrival = 2, .exposed = 1};
    }

   private:
    FakeCommunicator& owner_;
    at::Tensor tensor_;
    std::string label_;
    bool done_ = false;
  };

  std::vector<std::string>& log_;
};

}  // namespace s2i
