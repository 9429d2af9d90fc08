// Preloaded into a program (LD_PRELOAD): a single allocation of more than S2I_MEMORY_LIMIT bytes
// fails with ENOMEM.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

// glibc's implementations, still reachable under these names when malloc is overridden.
extern "C" {
void* __libc_malloc(size_t size);                      // NOLINT
void* __libc_memalign(size_t alignment, size_t size);  // NOLINT
}

namespace {

size_t limit = SIZE_MAX;

[[gnu::constructor]] void read_limit() {
  const char* text = std::getenv("S2I_MEMORY_LIMIT");
  if (text != nullptr) limit = std::strtoull(text, nullptr, 10);
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  if (size <= limit) return __libc_malloc(size);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(size_t alignment, size_t size) {
  if (size <= limit) return __libc_memalign(alignment, size);
  errno = ENOMEM;
  return nullptr;
}

int posix_memalign(void** to, size_t alignment, size_t size) {
  void* memory = size <= limit ? __libc_memalign(alignment, size) : nullptr;
  if (memory == nullptr) return ENOMEM;
  *to = memory;
  return 0;
}

}  // extern "C"
