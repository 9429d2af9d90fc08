#include "cluster/placement/machine.h"

#include <hwloc.h>

#include <cerrno>

#include "core/error.h"

namespace s2i {
namespace {

void check(int result, const char* call) {
  if (result != 0) throw RunError("hwloc failed: {} in {}", errno_text(errno), call);
}

/// `synthetic`: a description, or null for this node.
std::shared_ptr<hwloc_topology> load(const char* synthetic) {
  hwloc_topology_t topology = nullptr;
  check(hwloc_topology_init(&topology), "hwloc_topology_init");
  std::shared_ptr<hwloc_topology> owner(topology, hwloc_topology_destroy);
  if (synthetic != nullptr)
    check(hwloc_topology_set_synthetic(topology, synthetic), "hwloc_topology_set_synthetic");
  check(hwloc_topology_load(topology), "hwloc_topology_load");
  return owner;
}

class Bitmap {
 public:
  Bitmap() : bits_(hwloc_bitmap_alloc()) {
    if (bits_ == nullptr) throw std::bad_alloc();
  }
  ~Bitmap() { hwloc_bitmap_free(bits_); }
  Bitmap(const Bitmap&) = delete;
  Bitmap& operator=(const Bitmap&) = delete;

  hwloc_bitmap_t get() const { return bits_; }
  bool has(int bit) const { return hwloc_bitmap_isset(bits_, static_cast<unsigned>(bit)) != 0; }
  void add(int bit) {
    check(hwloc_bitmap_set(bits_, static_cast<unsigned>(bit)), "hwloc_bitmap_set");
  }

 private:
  hwloc_bitmap_t bits_;
};

}  // namespace

Machine::Machine() : topology_(load(nullptr)) {}

Machine::Machine(const std::string& synthetic) : topology_(load(synthetic.c_str())) {}

std::vector<int> Machine::processors() const {
  std::vector<int> processors;
  hwloc_obj_t processor = nullptr;
  while ((processor = hwloc_get_next_obj_by_type(topology_.get(), HWLOC_OBJ_PU, processor)) !=
         nullptr) {
    processors.push_back(static_cast<int>(processor->os_index));
  }
  return processors;
}

std::vector<int> Machine::allowed_processors() const {
  const std::vector<int> all = processors();
  const Bitmap allowed;
  if (hwloc_get_cpubind(topology_.get(), allowed.get(), HWLOC_CPUBIND_THREAD) != 0) return all;
  std::vector<int> mine;
  for (const int processor : all) {
    if (allowed.has(processor)) mine.push_back(processor);
  }
  return mine.empty() ? all : mine;
}

bool Machine::bind_thread(const std::vector<int>& processors) const {
  Bitmap set;
  for (const int processor : processors) set.add(processor);
  return hwloc_set_cpubind(topology_.get(), set.get(), HWLOC_CPUBIND_THREAD) == 0;
}

}  // namespace s2i
