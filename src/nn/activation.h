// Activation functions by transformers' names for them (transformers/activations.py).
#pragma once

#include <string>
#include <string_view>

namespace s2i {

enum class Activation {
  kGelu,
  kGeluTanh,
  kQuickGelu,
  kRelu,
  kSelu,
  kSilu,
  kMish,
  kTanh,
  kSigmoid,
  kLinear
};

/// Throws UserError for a name that transformers does not have, suggesting the nearest one; `where`
/// stands in the message.
Activation activation_of(const std::string& name, std::string_view where);

}  // namespace s2i
