// A table of one small value per rank over a plain MPI communicator: for what has to be known
// before there is a Communicator (otherwise see global_values.h).
#pragma once

#include <type_traits>
#include <vector>

#include "cluster/comm/mpi_check.h"

namespace s2i {

/// The value of every rank of `comm`, in rank order. Collective over `comm`. Throws RunError.
template <typename T>
std::vector<T> mpi_gather_values(MPI_Comm comm, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  int size = 0;
  S2I_MPI(MPI_Comm_size(comm, &size));
  std::vector<T> values(static_cast<size_t>(size));
  S2I_MPI(MPI_Allgather(&value, sizeof(T), MPI_BYTE, values.data(), sizeof(T), MPI_BYTE, comm));
  return values;
}

}  // namespace s2i
