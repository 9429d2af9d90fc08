#include "weights/pickled_tensors.h"

#include <fmt/format.h>

#include <utility>

#include "weights/pickle_values.h"

namespace s2i {
namespace {

template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw BadPickle(fmt::format(format, std::forward<Args>(args)...));
}

/// Whether the tensor lies within its storage, and how many values it has.
int64_t check_reach(const PickledTensor& tensor) {
  int64_t values = 1;
  int64_t last = tensor.offset;  // the place of the last value
  bool empty = false;
  for (size_t i = 0; i < tensor.sizes.size(); ++i) {
    const int64_t size = tensor.sizes[i];
    if (size == 0) {
      empty = true;
      continue;
    }
    int64_t reach = 0;
    if (__builtin_mul_overflow(size - 1, tensor.strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last) ||
        __builtin_mul_overflow(values, size, &values)) {
      fail("a tensor with an impossible shape");
    }
  }
  if (empty) return 0;
  if (last >= tensor.storage.count) {
    fail("a tensor reaches past its storage data/{}", tensor.storage.key);
  }
  // Strides of 0 could turn a small file into any amount of memory.
  if (values > tensor.storage.count) {
    fail("a tensor has more values than its storage data/{}", tensor.storage.key);
  }
  return values;
}

}  // namespace

size_t PickledTensors::add_storage(const PickledStorage& storage) {
  const auto [place, fresh] = number_of_key_.emplace(storage.key, storages_.size());
  if (fresh) {
    int64_t bytes = 0;
    if (__builtin_mul_overflow(storage.count, bytes_of(storage.type), &bytes) ||
        __builtin_add_overflow(storage_bytes_, bytes, &storage_bytes_)) {
      fail("the storage data/{} has an impossible size", storage.key);
    }
    storages_.push_back(storage);
  } else if (const PickledStorage& known = storages_[place->second];
             known.type != storage.type || known.count != storage.count) {
    fail("the storage data/{} is named with two types or sizes", storage.key);
  }
  return place->second;
}

size_t PickledTensors::add_tensor(size_t storage, int64_t offset, std::vector<int64_t> sizes,
                                  std::vector<int64_t> strides) {
  PickledTensor tensor{.name = {},
                       .storage = storages_[storage],
                       .offset = offset,
                       .sizes = std::move(sizes),
                       .strides = std::move(strides)};
  check_reach(tensor);
  tensors_.push_back(std::move(tensor));
  return tensors_.size() - 1;
}

void PickledTensors::check_total(const std::vector<PickledTensor>& wanted) const {
  constexpr double kMaxShare = 4;
  double bytes = 0;
  for (const PickledTensor& tensor : wanted) {
    bytes += static_cast<double>(check_reach(tensor)) *
             static_cast<double>(bytes_of(tensor.storage.type));
  }
  const auto storages = static_cast<double>(storage_bytes_);
  if (bytes > kMaxShare * storages) {
    fail("its tensors are {:g} times as large as their storages", bytes / storages);
  }
}

}  // namespace s2i
