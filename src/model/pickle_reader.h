// The part of Python's pickle format (protocols 2 to 5) that describes a dict of tensors. Nothing
// is executed, imported or constructed but the values below.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "model/safetensors.h"

namespace s2i {

/// A tensor's storage as a pickle names it.
struct PickledStorage {
  std::string key;  ///< the record that holds the values: data/<key>
  at::ScalarType type = at::kFloat;
  int64_t count = 0;  ///< values
};

/// Gives the one-dimensional tensor of a storage: `count` values of `type`.
using StorageLoader = std::function<at::Tensor(const PickledStorage&)>;

/// Reads a dict of tensors. `where` stands in the messages. Throws UserError for anything else: an
/// opcode or global outside the list, a malformed stream, a tensor outside its storage.
NamedTensors read_pickled_tensors(std::string_view pickle, const StorageLoader& load,
                                  const std::string& where);

}  // namespace s2i
