// Storages and tensors as a pickle describes them, checked for what they would cost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "weights/element_type.h"

namespace s2i {

/// A tensor's storage as a pickle names it.
struct PickledStorage {
  std::string key;  ///< the record that holds the values: data/<key>
  ElementType type = ElementType::kF32;
  int64_t count = 0;  ///< values
};

/// A tensor, within its storage: value (i, j, ...) is value offset + i * strides[0] + j *
/// strides[1]
/// + ... of it.
struct PickledTensor {
  std::string name;
  PickledStorage storage;
  int64_t offset = 0;
  std::vector<int64_t> sizes;
  std::vector<int64_t> strides;
};

/// What a pickle has described so far. Every call throws BadPickle (pickle_values.h).
class PickledTensors {
 public:
  /// The storage's number. One key has one type and count. Counts are not negative.
  size_t add_storage(const PickledStorage& storage);

  /// The tensor's number. Refuses one that reaches past its storage, or has more values. Sizes,
  /// strides and offset are not negative.
  size_t add_tensor(size_t storage, int64_t offset, std::vector<int64_t> sizes,
                    std::vector<int64_t> strides);

  const PickledTensor& operator[](size_t i) const { return tensors_[i]; }

  /// Tensors may share a storage, and one that is not contiguous in it is copied out: without a
  /// limit, many of one storage would make a small file any amount of memory.
  void check_total(const std::vector<PickledTensor>& wanted) const;

 private:
  std::vector<PickledStorage> storages_;
  std::map<std::string, size_t> number_of_key_;
  int64_t storage_bytes_ = 0;  ///< of all storages
  std::vector<PickledTensor> tensors_;
};

}  // namespace s2i
