// Collectives of CPU tensors over MPI, on a thread of their own so that they overlap with
// computation.
//
// Each collective has two parts. First the ranks meet: a non-blocking reduction of a fingerprint of
// the call (which collective, how many elements of which type). It is polled with growing pauses,
// so that waiting for a slow rank occupies no core, has a time limit, and detects ranks that are in
// different collectives. Then the blocking MPI collective runs at full speed, with all ranks in it.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <span>
#include <utility>

#include "cluster/comm/collective_thread.h"
#include "cluster/comm/communicator.h"
#include "cluster/comm/mpi_check.h"
#include "cluster/comm/mpi_types.h"
#include "cluster/comm/rank_list.h"
#include "core/checksum.h"
#include "core/clock.h"
#include "core/error.h"

namespace s2i {
namespace {

/// Waits for a request with pauses that grow from none to half a millisecond.
void poll(MPI_Request& request, const std::stop_token& stop, double limit_seconds,
          const std::string& what) {
  const Stopwatch watch;
  auto pause = std::chrono::microseconds(10);
  for (int done = 0; true;) {
    S2I_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done != 0) return;
    if (stop.stop_requested())
      throw RunError("{} was abandoned before the other ranks joined it", what);
    const double waited = watch.seconds();
    if (waited > limit_seconds) {
      throw RunError("waited {:.0f} s for ranks that did not join {}", waited, what);
    }
    if (waited < 50e-6) {
      std::this_thread::yield();
    } else {
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, std::chrono::microseconds(500));
    }
  }
}

class MpiCommunicator : public Communicator {
 public:
  MpiCommunicator(const MpiSession& session, const CommunicatorOptions& options)
      : options_(options), rank_(session.rank()), size_(session.size()) {
    S2I_MPI(MPI_Comm_dup(session.world(), &comm_));
    thread_ = std::make_unique<CollectiveThread>();
  }

  ~MpiCommunicator() override {
    thread_.reset();
    // Freeing a communicator is collective; while an exception unwinds the other ranks do not join.
    if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
  }

  MpiCommunicator(const MpiCommunicator&) = delete;
  MpiCommunicator& operator=(const MpiCommunicator&) = delete;

  int rank() const override { return rank_; }
  int size() const override { return size_; }

  std::unique_ptr<PendingCollective> start_all_reduce(const at::Tensor& tensor, ReduceOp op,
                                                      const std::string& label) override {
    const char* name = op == ReduceOp::kSum ? "all-reduce (sum)" : "all-reduce (max)";
    return start(name, tensor, tensor, label, [this, tensor, op] {
      const auto type = mpi_type(tensor.scalar_type());
      in_parts(tensor.numel(), tensor.element_size(), 1, [&](int64_t first, int count) {
        S2I_MPI(MPI_Allreduce(MPI_IN_PLACE, at_element(tensor, first), count, type.type,
                              op == ReduceOp::kSum ? type.sum : type.max, comm_));
      });
    });
  }

  std::unique_ptr<PendingCollective> start_broadcast(const at::Tensor& tensor, int root,
                                                     const std::string& label) override {
    S2I_CHECK(root >= 0 && root < size_, "root {} of {} ranks", root, size_);
    return start(
        fmt::format("broadcast from rank {}", root), tensor, tensor, label, [this, tensor, root] {
          const auto type = mpi_type(tensor.scalar_type());
          in_parts(tensor.numel(), tensor.element_size(), 1, [&](int64_t first, int count) {
            S2I_MPI(MPI_Bcast(at_element(tensor, first), count, type.type, root, comm_));
          });
        });
  }

  std::unique_ptr<PendingCollective> start_all_gather(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string& label) override {
    S2I_CHECK(output.numel() == input.numel() * size_,
              "all-gather of {} into {} elements over {} ranks", input.numel(), output.numel(),
              size_);
    return start("all-gather", input, output, label,
                 [this, output, input] { gather(output, input); });
  }

  std::unique_ptr<PendingCollective> start_reduce_scatter(const at::Tensor& output,
                                                          const at::Tensor& input,
                                                          const std::string& label) override {
    S2I_CHECK(input.numel() == output.numel() * size_,
              "reduce-scatter of {} into {} elements over {} ranks", input.numel(), output.numel(),
              size_);
    return start("reduce-scatter", input, output, label,
                 [this, output, input] { scatter(output, input); });
  }

  std::unique_ptr<PendingCollective> start_all_to_all(const at::Tensor& output,
                                                      const at::Tensor& input,
                                                      const std::string& label) override {
    S2I_CHECK(input.numel() == output.numel() && input.numel() % size_ == 0,
              "all-to-all of {} into {} elements over {} ranks", input.numel(), output.numel(),
              size_);
    return start("all-to-all", input, output, label,
                 [this, output, input] { exchange(output, input); });
  }

 private:
  static void* at_element(const at::Tensor& tensor, int64_t index) {
    return static_cast<char*>(tensor.mutable_data_ptr()) + index * tensor.element_size();
  }

  /// Splits `count` elements into parts of which `copies` fit into one message, and calls
  /// body(first element, number of elements) for each.
  template <typename Body>
  void in_parts(int64_t count, int64_t element_bytes, int copies, const Body& body) const {
    const int64_t most = std::max<int64_t>(
        1,
        std::min<int64_t>(options_.max_message_bytes / element_bytes / copies, int64_t{1} << 30));
    for (int64_t first = 0; first < count; first += most) {
      body(first, static_cast<int>(std::min(most, count - first)));
    }
  }

  void gather(const at::Tensor& output, const at::Tensor& input) const {
    const auto type = mpi_type(input.scalar_type());
    in_parts(input.numel(), input.element_size(), size_, [&](int64_t first, int count) {
      if (count == input.numel()) {
        S2I_MPI(MPI_Allgather(input.const_data_ptr(), count, type.type, output.mutable_data_ptr(),
                              count, type.type, comm_));
        return;
      }
      const auto part = at::empty({size_, count}, input.options());
      S2I_MPI(MPI_Allgather(at_element(input, first), count, type.type, part.mutable_data_ptr(),
                            count, type.type, comm_));
      output.view({size_, -1}).narrow(1, first, count).copy_(part);
    });
  }

  void scatter(const at::Tensor& output, const at::Tensor& input) const {
    const auto type = mpi_type(input.scalar_type());
    in_parts(output.numel(), output.element_size(), size_, [&](int64_t first, int count) {
      const auto part = input.view({size_, -1}).narrow(1, first, count).contiguous();
      S2I_MPI(MPI_Reduce_scatter_block(part.const_data_ptr(), at_element(output, first), count,
                                       type.type, type.sum, comm_));
    });
  }

  void exchange(const at::Tensor& output, const at::Tensor& input) const {
    const auto type = mpi_type(input.scalar_type());
    const int64_t each = input.numel() / size_;
    in_parts(each, input.element_size(), size_, [&](int64_t first, int count) {
      if (count == each) {
        S2I_MPI(MPI_Alltoall(input.const_data_ptr(), count, type.type, output.mutable_data_ptr(),
                             count, type.type, comm_));
        return;
      }
      const auto sent = input.view({size_, -1}).narrow(1, first, count).contiguous();
      const auto part = at::empty_like(sent);
      S2I_MPI(MPI_Alltoall(sent.const_data_ptr(), count, type.type, part.mutable_data_ptr(), count,
                           type.type, comm_));
      output.view({size_, -1}).narrow(1, first, count).copy_(part);
    });
  }

  /// Queues a collective on the thread: meet the other ranks, then run `body`, which calls MPI.
  template <typename Body>
  std::unique_ptr<PendingCollective> start(const std::string& name, const at::Tensor& counted,
                                           const at::Tensor& other, const std::string& label,
                                           Body body) {
    for (const auto& tensor : {counted, other}) {
      S2I_CHECK(tensor.device().is_cpu() && tensor.is_contiguous(),
                "{}: MPI needs a contiguous CPU tensor", name);
    }
    S2I_CHECK(counted.scalar_type() == other.scalar_type(), "{}: types differ", name);
    auto what =
        fmt::format("collective {}, {} of {} elements of {}{}{}", next_++, name, counted.numel(),
                    c10::toString(counted.scalar_type()), label.empty() ? "" : ", ", label);
    const int64_t number = activity().collective_started(what);
    return thread_->submit([this, number, body = std::move(body),
                            what = std::move(what)](const std::stop_token& stop) {
      CollectiveTiming timing;
      const Stopwatch watch;
      meet(what, stop);
      timing.arrival = watch.seconds();
      body();
      timing.busy = watch.seconds();
      activity().collective_ended(number);
      return timing;
    });
  }

  /// Returns when every rank has joined the collective `what`. Throws RunError on all ranks, with
  /// the collective of each rank, if they are in different ones.
  void meet(const std::string& what, const std::stop_token& stop) const {
    struct Meeting {
      std::array<int64_t, 2> mine{};
      std::array<int64_t, 2> maximum{};
      MPI_Request request = MPI_REQUEST_NULL;
    };
    auto meeting = std::make_unique<Meeting>();
    const auto hash = static_cast<int64_t>(checksum(std::as_bytes(std::span(what))));
    meeting->mine = {hash, ~hash};  // the maximum of ~hash is ~(the minimum of hash)
    S2I_MPI(MPI_Iallreduce(meeting->mine.data(), meeting->maximum.data(), 2, MPI_INT64_T, MPI_MAX,
                           comm_, &meeting->request));
    try {
      poll(meeting->request, stop, options_.time_limit_seconds, what);
    } catch (...) {
      // A collective cannot be canceled: MPI may still write here until the process ends.
      static_cast<void>(meeting.release());
      throw;
    }
    if (meeting->maximum[0] != ~meeting->maximum[1]) fail_meeting(what);
  }

  [[noreturn]] void fail_meeting(const std::string& what) const {
    std::array<char, 256> mine{};
    what.copy(mine.data(), mine.size() - 1);
    std::vector<char> all(mine.size() * static_cast<size_t>(size_));
    S2I_MPI(MPI_Allgather(mine.data(), static_cast<int>(mine.size()), MPI_CHAR, all.data(),
                          static_cast<int>(mine.size()), MPI_CHAR, comm_));
    std::map<std::string, std::vector<int>> ranks_in;
    for (int rank = 0; rank < size_; ++rank) {
      ranks_in[all.data() + mine.size() * static_cast<size_t>(rank)].push_back(rank);
    }
    std::string text = "the ranks are not in the same collective";
    for (const auto& [name, ranks] : ranks_in) {
      text += fmt::format("; {}: {}", rank_list(ranks), name);
    }
    throw RunError("{}", text);
  }

  CommunicatorOptions options_;
  int rank_;
  int size_;
  int64_t next_ = 0;
  MPI_Comm comm_ = MPI_COMM_NULL;
  std::unique_ptr<CollectiveThread> thread_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_communicator(const MpiSession& session,
                                                    const CommunicatorOptions& options) {
  return std::make_unique<MpiCommunicator>(session, options);
}

}  // namespace s2i
