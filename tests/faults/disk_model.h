// A small model of a disk that promises no more than POSIX does: what a file holds survives a crash
// for certain after an fsync of the file, and what a folder lists after an fsync of the folder. It
// follows recorded operations and writes out what a crash could leave.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "faults/file_faults.h"

namespace s2i::faults {

/// What becomes of that which was not flushed.
enum class Unflushed {
  kKept,     ///< All of it is there: the process died, the machine did not.
  kDropped,  ///< None of it.
  kTorn,  ///< Any beginning of a folder's changes; what was written to a file since it was flushed
          ///< is lost, cut, or zeros of its length.
};

class DiskModel {
 public:
  /// Follows what is below `root`, which is there and durable.
  explicit DiskModel(std::string root);

  void apply(const Operation& operation);

  /// Writes what is there after a crash now into the empty folder `to`.
  void write_after_crash(const std::filesystem::path& to, Unflushed unflushed,
                         std::mt19937_64& random) const;

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Change = std::vector<std::pair<std::string, NodePtr>>;  ///< Names set or (null) removed.
  struct Node {
    enum class Type { kFile, kFolder, kLink } type = Type::kFile;
    std::string content;  ///< Of a file; the target of a link.
    std::string durable;  ///< Content that was flushed.
    size_t flushed = 0;   ///< Bytes of `content` that are durable: appending leaves them alone.
    std::map<std::string, NodePtr> entries;
    std::map<std::string, NodePtr> durable_entries;
    std::vector<Change> pending;  ///< Changes since the folder was flushed.
  };

  /// The folder of a path below the root, and the name in it.
  std::pair<NodePtr, std::string> place(const std::string& path) const;
  NodePtr find(const std::string& path) const;
  static void change(const NodePtr& folder, Change change);
  static void write_node(const Node& node, const std::filesystem::path& to, Unflushed unflushed,
                         std::mt19937_64& random);

  std::string root_;
  NodePtr top_;
};

}  // namespace s2i::faults
