// The types that weights in files have, without LibTorch: readers check sizes before any tensor is.
#pragma once

#include <cstddef>

namespace s2i {

enum class ElementType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes of one value.
constexpr size_t bytes_of(ElementType type) {
  switch (type) {
    case ElementType::kF64:
    case ElementType::kI64:
      return 8;
    case ElementType::kF32:
    case ElementType::kI32:
      return 4;
    case ElementType::kF16:
    case ElementType::kBF16:
    case ElementType::kI16:
      return 2;
    default:
      return 1;
  }
}

}  // namespace s2i
