// Sums, maxima and tables of a few values over all ranks. They travel as CPU tensors, so that they
// also work beside collectives on a GPU.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "cluster/comm/communicator.h"

namespace s2i {

/// All functions are collective: every rank calls them in the same order with the same number of
/// values. They throw RunError when a rank fails or does not take part. `label` names the
/// collective in messages.

/// The sum of `value` over ranks. The order of the additions depends on the number of ranks.
double global_sum(Communicator& communicator, double value, const std::string& label);
/// Element by element, in place.
void global_sum(Communicator& communicator, std::span<double> values, const std::string& label);

/// The largest `value` of all ranks.
double global_max(Communicator& communicator, double value, const std::string& label);
/// Element by element, in place.
void global_max(Communicator& communicator, std::span<double> values, const std::string& label);

/// A global sum that runs while the caller goes on computing.
class PendingSum {
 public:
  /// Starts the sum of `values`, which are copied.
  PendingSum(Communicator& communicator, std::span<const double> values, const std::string& label);
  /// The sums, element by element. Call it once.
  std::vector<double> wait();

 private:
  at::Tensor values_;  ///< [N] float64
  std::unique_ptr<PendingCollective> pending_;
};

namespace detail {
/// `bytes` of every rank, all of the same size, in rank order.
std::string gather_bytes(Communicator& communicator, std::span<const std::byte> bytes,
                         const std::string& label);
}  // namespace detail

/// The value of every rank, in rank order, on all ranks. For numbers, std::array and plain structs;
/// ranks run the same program on machines of the same byte order.
template <typename T>
std::vector<T> gather_values(Communicator& communicator, const T& value, const std::string& label) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::string bytes =
      detail::gather_bytes(communicator, std::as_bytes(std::span(&value, 1)), label);
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

/// The values of all ranks one after another, in rank order, on all ranks; a rank may have any
/// number of them.
template <typename T>
std::vector<T> gather_vectors(Communicator& communicator, const std::vector<T>& values,
                              const std::string& label) {
  static_assert(std::is_trivially_copyable_v<T>);
  const auto* bytes = reinterpret_cast<const char*>(values.data());
  std::vector<T> all;
  for (const std::string& part :
       communicator.gather_text({bytes, values.size() * sizeof(T)}, label)) {
    const size_t first = all.size();
    all.resize(first + part.size() / sizeof(T));
    if (!part.empty()) std::memcpy(all.data() + first, part.data(), part.size());
  }
  return all;
}

/// The value of rank `root`, on all ranks.
template <typename T>
T broadcast_value(Communicator& communicator, const T& value, int root, const std::string& label) {
  static_assert(std::is_trivially_copyable_v<T>);
  const std::string bytes =
      communicator.broadcast_text({reinterpret_cast<const char*>(&value), sizeof(T)}, root, label);
  T result;
  std::memcpy(&result, bytes.data(), sizeof(T));
  return result;
}

}  // namespace s2i
