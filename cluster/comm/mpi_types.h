// LibTorch's element types in MPI's words.
#pragma once

#include <c10/core/ScalarType.h>
#include <mpi.h>

namespace s2i {

/// How MPI moves and reduces an element type.
struct MpiType {
  MPI_Datatype type;
  MPI_Op sum;
  MPI_Op max;
};

/// float32, float64, int32, int64, uint8 are MPI's own; bfloat16 has operations of ours, which add
/// in float32 and round to nearest even. Throws RunError for any other type.
MpiType mpi_type(c10::ScalarType type);

}  // namespace s2i
