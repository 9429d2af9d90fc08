// Host memory for tensors.
#pragma once

namespace s2i {

/// Makes the C library keep freed memory for the next allocation instead of handing it back to the
/// kernel. A training step allocates and frees the same large blocks over and over; mapping and
/// clearing their pages anew took an eighth of a step on the CPU. Affects the whole process; the
/// memory at its peak stays with the process. Does nothing without glibc.
void keep_host_memory();

}  // namespace s2i
