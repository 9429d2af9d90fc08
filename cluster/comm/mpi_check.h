// Error checks for MPI calls.
#pragma once

#include <mpi.h>

namespace s2i {

/// Throws RunError with MPI's own text, the call and its location unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* call, const char* file, int line);

}  // namespace s2i

/// Calls MPI and throws RunError if it reports an error (communicators return errors instead of
/// ending the process, see MpiSession).
#define S2I_MPI(call) ::s2i::check_mpi((call), #call, __FILE__, __LINE__)
