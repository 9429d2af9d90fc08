#include "cluster/comm/communicator.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstring>

#include "cluster/comm/nccl_communicator.h"
#include "core/error.h"

namespace s2i {
namespace {

at::Tensor bytes_tensor(int64_t size) { return at::zeros({size}, at::kByte); }

}  // namespace

void Communicator::all_reduce_sum(const at::Tensor& tensor, const std::string& label) {
  start_all_reduce(tensor, ReduceOp::kSum, label)->wait();
}

void Communicator::all_reduce_max(const at::Tensor& tensor, const std::string& label) {
  start_all_reduce(tensor, ReduceOp::kMax, label)->wait();
}

void Communicator::broadcast(const at::Tensor& tensor, int root, const std::string& label) {
  start_broadcast(tensor, root, label)->wait();
}

at::Tensor Communicator::all_gather(const at::Tensor& input, const std::string& label) {
  auto shape = input.sizes().vec();
  shape.insert(shape.begin(), size());
  auto output = at::empty(shape, input.options());
  start_all_gather(output, input.contiguous(), label)->wait();
  return output;
}

at::Tensor Communicator::reduce_scatter(const at::Tensor& input, const std::string& label) {
  auto shape = input.sizes().vec();
  S2I_CHECK(!shape.empty() && shape[0] % size() == 0, "reduce_scatter of {} rows over {} ranks",
            shape.empty() ? 0 : shape[0], size());
  shape[0] /= size();
  auto output = at::empty(shape, input.options());
  start_reduce_scatter(output, input.contiguous(), label)->wait();
  return output;
}

at::Tensor Communicator::all_to_all(const at::Tensor& input, const std::string& label) {
  S2I_CHECK(input.dim() > 0 && input.size(0) % size() == 0, "all_to_all of {} over {} ranks",
            input.numel(), size());
  auto output = at::empty(input.sizes(), input.options());
  start_all_to_all(output, input.contiguous(), label)->wait();
  return output;
}

void Communicator::barrier(const std::string& label) {
  all_reduce_sum(at::zeros({1}, at::kLong), label);
}

std::vector<std::string> Communicator::gather_text(const std::string& mine,
                                                   const std::string& label) {
  auto length = at::zeros({1}, at::kLong);
  *length.mutable_data_ptr<int64_t>() = static_cast<int64_t>(mine.size());
  const auto lengths = all_gather(length, label);
  const auto* length_of = lengths.const_data_ptr<int64_t>();
  const int64_t longest = *std::max_element(length_of, length_of + size());
  auto bytes = bytes_tensor(longest);
  if (!mine.empty()) std::memcpy(bytes.mutable_data_ptr(), mine.data(), mine.size());
  const auto gathered = all_gather(bytes, label);
  std::vector<std::string> texts;
  for (int64_t rank = 0; rank < size(); ++rank) {
    const char* start = static_cast<const char*>(gathered.const_data_ptr()) + rank * longest;
    texts.emplace_back(start, static_cast<size_t>(length_of[rank]));
  }
  return texts;
}

std::string Communicator::broadcast_text(const std::string& text, int root,
                                         const std::string& label) {
  auto length = at::zeros({1}, at::kLong);
  *length.mutable_data_ptr<int64_t>() = static_cast<int64_t>(text.size());
  broadcast(length, root, label);
  auto bytes = bytes_tensor(*length.const_data_ptr<int64_t>());
  if (rank() == root && !text.empty()) {
    std::memcpy(bytes.mutable_data_ptr(), text.data(), text.size());
  }
  broadcast(bytes, root, label);
  return {static_cast<const char*>(bytes.const_data_ptr()), static_cast<size_t>(bytes.numel())};
}

std::unique_ptr<Communicator> make_communicator(const MpiSession& session, at::Device device,
                                                const CommunicatorOptions& options) {
  if (session.size() == 1) return make_self_communicator();
  auto mpi = make_mpi_communicator(session, options);
  if (device.is_cpu()) return mpi;
  return make_nccl_communicator(std::move(mpi), device, options);
}

}  // namespace s2i
