// Preloaded into a program (LD_PRELOAD): a single allocation of more than S2I_MEMORY_LIMIT bytes
// fails with ENOMEM. Other allocations go to the program's own allocator.
#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

size_t limit = SIZE_MAX;

[[gnu::constructor]] void read_limit() {
  const char* text = std::getenv("S2I_MEMORY_LIMIT");
  if (text != nullptr) limit = std::strtoull(text, nullptr, 10);
}

/// The function of this name in the next library, which is the program's allocator.
template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

void* malloc(size_t size) {
  static auto* const allocate = next<void*(size_t)>("malloc");
  if (size <= limit) return allocate(size);
  errno = ENOMEM;
  return nullptr;
}

void* aligned_alloc(size_t alignment, size_t size) {
  static auto* const allocate = next<void*(size_t, size_t)>("aligned_alloc");
  if (size <= limit) return allocate(alignment, size);
  errno = ENOMEM;
  return nullptr;
}

int posix_memalign(void** to, size_t alignment, size_t size) {
  static auto* const allocate = next<int(void**, size_t, size_t)>("posix_memalign");
  return size <= limit ? allocate(to, alignment, size) : ENOMEM;
}

}  // extern "C"

// An allocator may implement these without malloc().
void* operator new(size_t size) {
  void* memory = malloc(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* operator new[](size_t size) { return operator new(size); }
