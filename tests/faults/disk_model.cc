#include "faults/disk_model.h"

#include <fstream>
#include <stdexcept>

namespace s2i::faults {

namespace fs = std::filesystem;

DiskModel::DiskModel(std::string root) : root_(std::move(root)), top_(std::make_shared<Node>()) {
  top_->type = Node::Type::kFolder;
}

DiskModel::NodePtr DiskModel::find(const std::string& path) const {
  if (path == root_) return top_;
  const auto [folder, name] = locate(path);
  const auto found = folder->entries.find(name);
  return found == folder->entries.end() ? nullptr : found->second;
}

std::pair<DiskModel::NodePtr, std::string> DiskModel::locate(const std::string& path) const {
  if (!path.starts_with(root_ + "/")) throw std::logic_error("outside the model: " + path);
  NodePtr folder = top_;
  const fs::path relative = fs::path(path).lexically_relative(root_);
  for (const auto& part : relative.parent_path()) {
    folder = folder->entries.at(part.string());
    if (folder->type == Node::Type::kLink) throw std::logic_error("through a link: " + path);
  }
  return {folder, relative.filename().string()};
}

void DiskModel::change(const NodePtr& folder, Change change) {
  for (const auto& [name, node] : change) {
    if (node) {
      folder->entries[name] = node;
    } else {
      folder->entries.erase(name);
    }
  }
  folder->pending.push_back(std::move(change));
}

void DiskModel::apply(const Operation& operation) {
  if (operation.kind == Kind::kSync) {
    const NodePtr node = find(operation.path);
    if (!node) throw std::logic_error("fsync of a missing file: " + operation.path);
    node->durable = node->content;
    node->flushed = node->content.size();
    node->durable_entries = node->entries;
    node->pending.clear();
    return;
  }
  const auto [folder, name] = locate(operation.path);
  const auto add = [&, &to = folder, &as = name](Node::Type type, const std::string& content) {
    const auto node = std::make_shared<Node>();
    node->type = type;
    node->content = content;
    change(to, {{as, node}});
  };
  switch (operation.kind) {
    case Kind::kCreate:
      return add(Node::Type::kFile, "");
    case Kind::kTruncate:
      if (operation.other.empty()) {
        folder->entries.at(name)->content.clear();
        folder->entries.at(name)->flushed = 0;
      }
      return;
    case Kind::kWrite:
      folder->entries.at(name)->content += operation.other;
      return;
    case Kind::kMakeFolder:
      return add(Node::Type::kFolder, "");
    case Kind::kLink:
      return add(Node::Type::kLink, operation.other);
    case Kind::kRemove:
      return change(folder, {{name, nullptr}});
    case Kind::kRename: {
      const auto [to, new_name] = locate(operation.other);
      if (to != folder) throw std::logic_error("a rename between folders is not modeled");
      return change(folder, {{new_name, folder->entries.at(name)}, {name, nullptr}});
    }
    case Kind::kSync:
      return;
  }
}

void DiskModel::write_after_crash(const fs::path& to, Unflushed unflushed,
                                  std::mt19937_64& random) const {
  for (const auto& entry : fs::directory_iterator(to)) fs::remove_all(entry);
  write_node(*top_, to, unflushed, random);
}

void DiskModel::write_node(const Node& node, const fs::path& to, Unflushed unflushed,
                           std::mt19937_64& random) {
  const auto random_up_to = [&](size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit)(random);
  };
  if (node.type == Node::Type::kLink) return fs::create_symlink(node.content, to);
  if (node.type == Node::Type::kFile) {
    std::string content = unflushed == Unflushed::kKept ? node.content : node.durable;
    if (unflushed == Unflushed::kTorn && node.content != node.durable) {
      const size_t unsynced = node.content.size() - node.flushed;
      switch (random_up_to(3)) {
        case 0:
          content = node.content;
          break;
        case 1:
          content = node.content.substr(0, node.flushed + random_up_to(unsynced));
          break;
        case 2:
          content = node.content.substr(0, node.flushed) + std::string(unsynced, '\0');
          break;
        default:
          break;
      }
    }
    std::ofstream(to, std::ios::binary) << content;
    return;
  }
  std::map<std::string, NodePtr> entries =
      unflushed == Unflushed::kKept ? node.entries : node.durable_entries;
  if (unflushed == Unflushed::kTorn) {
    const size_t survive = random_up_to(node.pending.size());
    for (size_t i = 0; i < survive; ++i) {
      for (const auto& [name, child] : node.pending[i]) {
        if (child) {
          entries[name] = child;
        } else {
          entries.erase(name);
        }
      }
    }
  }
  fs::create_directories(to);
  for (const auto& [name, child] : entries) write_node(*child, to / name, unflushed, random);
}

}  // namespace s2i::faults
