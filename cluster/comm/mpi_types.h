// The MPI types of LibTorch's element types.
#pragma once

#include <c10/core/ScalarType.h>
#include <mpi.h>

namespace s2i {

/// The MPI type and operations for an element type.
struct MpiType {
  MPI_Datatype type;
  MPI_Op sum;
  MPI_Op max;
};

/// float32, float64, int32, int64 and uint8 have MPI types; for bfloat16 there are user-defined
/// operations, which compute in float32 and round to nearest even. Throws RunError for any other
/// type.
MpiType mpi_type(c10::ScalarType type);

}  // namespace s2i
