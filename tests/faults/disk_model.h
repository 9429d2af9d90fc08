// Models a file system with only the POSIX durability guarantees: file content survives a crash
// after fsync of the file, and folder entries survive after fsync of the folder. It replays
// recorded operations and writes a state that a crash could leave.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "faults/file_faults.h"

namespace s2i::faults {

/// What happens to changes that were not flushed by fsync.
enum class Unflushed {
  kKept,     ///< All survive: the process died, but not the machine.
  kDropped,  ///< All are lost.
  kTorn,     ///< A random prefix of a folder's changes survives. Data appended to a file since the
             ///< last fsync is lost, truncated or replaced by zeros.
};

class DiskModel {
 public:
  /// Models the folder `root`, which exists and is durable.
  explicit DiskModel(std::string root);

  void apply(const Operation& operation);

  /// Writes the state after a crash at this point to the empty folder `to`.
  void write_after_crash(const std::filesystem::path& to, Unflushed unflushed,
                         std::mt19937_64& random) const;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Change = std::vector<std::pair<std::string, NodePtr>>;  ///< Names set or (null) removed.
  struct Node {
    enum class Type { kFile, kFolder, kLink } type = Type::kFile;
    std::string content;  ///< The content of a file or the target of a link.
    std::string durable;  ///< The content at the last fsync.
    size_t flushed = 0;   ///< Length of the prefix of `content` that is durable.
    std::map<std::string, NodePtr> entries;
    std::map<std::string, NodePtr> durable_entries;
    std::vector<Change> pending;  ///< Changes since the last fsync of the folder.
  };

  /// Returns the parent folder and the file name of a path.
  std::pair<NodePtr, std::string> locate(const std::string& path) const;
  NodePtr find(const std::string& path) const;
  static void change(const NodePtr& folder, Change change);
  static void write_node(const Node& node, const std::filesystem::path& to, Unflushed unflushed,
                         std::mt19937_64& random);

  std::string root_;
  NodePtr top_;
};

}  // namespace s2i::faults
