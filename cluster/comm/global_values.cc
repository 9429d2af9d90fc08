#include "cluster/comm/global_values.h"

#include <ATen/ops/empty.h>

#include <algorithm>

namespace s2i {
namespace {

at::Tensor to_tensor(std::span<const double> values) {
  at::Tensor tensor = at::empty({static_cast<int64_t>(values.size())}, at::kDouble);
  std::ranges::copy(values, tensor.mutable_data_ptr<double>());
  return tensor;
}

void reduce(Communicator& communicator, std::span<double> values, ReduceOp op,
            const std::string& label) {
  const at::Tensor tensor = to_tensor(values);
  communicator.start_all_reduce(tensor, op, label)->wait();
  std::copy_n(tensor.const_data_ptr<double>(), values.size(), values.begin());
}

}  // namespace

double global_sum(Communicator& communicator, double value, const std::string& label) {
  global_sum(communicator, std::span(&value, 1), label);
  return value;
}

void global_sum(Communicator& communicator, std::span<double> values, const std::string& label) {
  reduce(communicator, values, ReduceOp::kSum, label);
}

double global_max(Communicator& communicator, double value, const std::string& label) {
  global_max(communicator, std::span(&value, 1), label);
  return value;
}

void global_max(Communicator& communicator, std::span<double> values, const std::string& label) {
  reduce(communicator, values, ReduceOp::kMax, label);
}

PendingSum::PendingSum(Communicator& communicator, std::span<const double> values,
                       const std::string& label)
    : values_(to_tensor(values)),
      pending_(communicator.start_all_reduce(values_, ReduceOp::kSum, label)) {}

std::vector<double> PendingSum::wait() {
  pending_->wait();
  const auto* first = values_.const_data_ptr<double>();
  return {first, first + values_.numel()};
}

std::string detail::gather_bytes(Communicator& communicator, std::span<const std::byte> bytes,
                                 const std::string& label) {
  const at::Tensor mine = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
  std::memcpy(mine.mutable_data_ptr(), bytes.data(), bytes.size());
  const at::Tensor all = communicator.all_gather(mine, label);
  return {static_cast<const char*>(all.const_data_ptr()), static_cast<size_t>(all.numel())};
}

}  // namespace s2i
