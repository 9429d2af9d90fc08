// For tests that run on several ranks.
#pragma once

#include <memory>

#include "cluster/communicator.h"
#include "cluster/mpi_session.h"

namespace s2i {

/// The MPI of the test program.
const MpiSession& test_session();

/// MPI over all ranks. A rank that stays away is an error after 30 s, so that a failed test ends.
inline std::unique_ptr<Communicator> test_communicator(int64_t max_message_bytes = int64_t{1}
                                                                                   << 30) {
  return make_mpi_communicator(test_session(),
                               {.time_limit_seconds = 30, .max_message_bytes = max_message_bytes});
}

}  // namespace s2i
