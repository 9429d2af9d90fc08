// Settings of the C library's memory allocator.
#pragma once

namespace s2i {

/// Makes the C library keep freed memory for later allocations instead of returning it to the
/// kernel. Every training step allocates and frees the same large blocks; mapping and clearing
/// their pages each time took an eighth of a step on the CPU. Affects the whole process, which then
/// keeps its peak memory. Does nothing without glibc.
void keep_host_memory();

}  // namespace s2i
