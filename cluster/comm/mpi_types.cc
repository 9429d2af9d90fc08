#include "cluster/comm/mpi_types.h"

#include <c10/util/BFloat16.h>

#include <algorithm>

#include "cluster/comm/mpi_check.h"
#include "core/error.h"

namespace s2i {
namespace {

void sum_bfloat16(void* in, void* inout, int* count, MPI_Datatype*) {
  const auto* source = static_cast<const c10::BFloat16*>(in);
  auto* target = static_cast<c10::BFloat16*>(inout);
  for (int i = 0; i < *count; ++i) {
    target[i] = static_cast<float>(target[i]) + static_cast<float>(source[i]);
  }
}

void max_bfloat16(void* in, void* inout, int* count, MPI_Datatype*) {
  const auto* source = static_cast<const c10::BFloat16*>(in);
  auto* target = static_cast<c10::BFloat16*>(inout);
  for (int i = 0; i < *count; ++i) {
    target[i] = std::max(static_cast<float>(target[i]), static_cast<float>(source[i]));
  }
}

/// Created at first use, never freed: an operation has no state, and all communicators share it.
MPI_Op make_operation(MPI_User_function* function) {
  MPI_Op operation = MPI_OP_NULL;
  S2I_MPI(MPI_Op_create(function, /*commute=*/1, &operation));
  return operation;
}

}  // namespace

MpiType mpi_type(c10::ScalarType type) {
  switch (type) {
    case c10::ScalarType::Float:
      return {MPI_FLOAT, MPI_SUM, MPI_MAX};
    case c10::ScalarType::Double:
      return {MPI_DOUBLE, MPI_SUM, MPI_MAX};
    case c10::ScalarType::Int:
      return {MPI_INT32_T, MPI_SUM, MPI_MAX};
    case c10::ScalarType::Long:
      return {MPI_INT64_T, MPI_SUM, MPI_MAX};
    case c10::ScalarType::Byte:
      return {MPI_UINT8_T, MPI_SUM, MPI_MAX};
    case c10::ScalarType::BFloat16: {
      static const MPI_Op sum = make_operation(sum_bfloat16);
      static const MPI_Op max = make_operation(max_bfloat16);
      return {MPI_UINT16_T, sum, max};
    }
    default:
      throw RunError("MPI has no collectives for tensors of type {}", c10::toString(type));
  }
}

}  // namespace s2i
