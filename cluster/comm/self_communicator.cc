// A single rank: the sum over ranks is the input.
#include "cluster/comm/communicator.h"
#include "core/error.h"

namespace s2i {
namespace {

class CompletedCollective : public PendingCollective {
 public:
  bool test() override { return true; }
  void wait() override {}
  std::optional<CollectiveTiming> timing() override { return CollectiveTiming{}; }
};

class SelfCommunicator : public Communicator {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }

  std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor&, ReduceOp,
                                                      const std::string&) override {
    return std::make_unique<CompletedCollective>();
  }

  std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor&, int root,
                                                     const std::string&) override {
    S2I_CHECK(root == 0, "rank {} of a single rank", root);
    return std::make_unique<CompletedCollective>();
  }

  std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string&) override {
    output.view_as(input).copy_(input);
    return std::make_unique<CompletedCollective>();
  }

  std::unique_ptr<PendingCollective> start_reduce_scatter(const at::Tensor& output,
                                                          const at::Tensor& input,
                                                          const std::string&) override {
    output.view_as(input).copy_(input);
    return std::make_unique<CompletedCollective>();
  }

  std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string&) override {
    output.view_as(input).copy_(input);
    return std::make_unique<CompletedCollective>();
  }
};

}  // namespace

std::unique_ptr<Communicator> make_self_communicator() {
  return std::make_unique<SelfCommunicator>();
}

}  // namespace s2i
