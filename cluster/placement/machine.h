// The processors of a node, as hwloc describes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

struct hwloc_topology;

namespace s2i {

/// Processors are logical: with simultaneous multithreading a core has several. They are known by
/// the number that the operating system gives them.
class Machine {
 public:
  /// This node. Throws RunError.
  Machine();
  /// A node that does not exist, in hwloc's notation ("package:2 core:8 pu:2"), for tests.
  explicit Machine(const std::string& synthetic);

  /// All processors in the order of the hardware: the processors of a core, of a cache and of a
  /// package are next to each other.
  std::vector<int> processors() const;

  /// Those of processors() that the calling thread may run on, in the same order; at least one.
  std::vector<int> allowed_processors() const;

  /// Restricts the calling thread, and threads that it starts later, to the given processors. False
  /// if the operating system refuses.
  bool bind_thread(const std::vector<int>& processors) const;

 private:
  std::shared_ptr<hwloc_topology> topology_;
};

}  // namespace s2i
