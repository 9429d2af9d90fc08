#include "core/host_memory.h"

#include <cstdlib>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace s2i {

void keep_host_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);         // no separate mappings, which are returned when freed
  mallopt(M_TRIM_THRESHOLD, -1);  // and the heap is never shrunk
#endif
}

}  // namespace s2i
