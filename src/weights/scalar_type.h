// LibTorch's type of a value for the files' type of it.
#pragma once

#include <c10/core/ScalarType.h>

#include "weights/element_type.h"

namespace s2i {

constexpr at::ScalarType scalar_type(ElementType type) {
  switch (type) {
    case ElementType::kF64:
      return at::kDouble;
    case ElementType::kF16:
      return at::kHalf;
    case ElementType::kBF16:
      return at::kBFloat16;
    case ElementType::kI64:
      return at::kLong;
    case ElementType::kI32:
      return at::kInt;
    case ElementType::kI16:
      return at::kShort;
    case ElementType::kI8:
      return at::kChar;
    case ElementType::kU8:
      return at::kByte;
    case ElementType::kBool:
      return at::kBool;
    default:
      return at::kFloat;
  }
}

}  // namespace s2i
