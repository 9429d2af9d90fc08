#include "checkpoint/format.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kFormatVersion = 1;
constexpr const char* kChecksums = "checksums.json";

OrderedJson checksums_json(const std::map<std::string, std::pair<uint64_t, std::string>>& files) {
  OrderedJson entries = OrderedJson::object();
  for (const auto& [name, file] : files) {
    entries[name] = {{"bytes", file.first}, {"xxh3_64", file.second}};
  }
  return {{"format_version", kFormatVersion}, {"files", entries}};
}

/// The relative paths of everything in a folder: regular files, folders, and anything else.
struct Contents {
  std::set<std::string> files;
  std::set<std::string> folders;
  std::set<std::string> others;
};

Contents contents_of(const fs::path& folder) {
  Contents contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto type = entry.symlink_status().type();
    auto& list = type == fs::file_type::regular     ? contents.files
                 : type == fs::file_type::directory ? contents.folders
                                                    : contents.others;
    list.insert(entry.path().lexically_relative(folder).string());
  }
  return contents;
}

/// The problem of one listed file, or "".
std::string check_file(const fs::path& path, const std::string& name, uint64_t bytes,
                       const std::string& sum) {
  const auto found = fs::file_size(path);
  if (found != bytes) return fmt::format("{} has {} bytes, not {}", name, found, bytes);
  if (checksum_text(checksum_file(path)) != sum) {
    return fmt::format("{} does not match its checksum", name);
  }
  return "";
}

}  // namespace

void write_checksums(const fs::path& folder) {
  std::map<std::string, std::pair<uint64_t, std::string>> files;
  for (const auto& name : contents_of(folder).files) {
    files[name] = {fs::file_size(folder / name), checksum_text(checksum_file(folder / name))};
  }
  write_json(folder / kChecksums, checksums_json(files));
}

std::vector<std::string> checkpoint_problems(const fs::path& checkpoint) {
  std::vector<std::string> problems;
  try {
    constexpr uint64_t kMaxBytes = 16ULL << 20;
    const std::string where = (checkpoint / kChecksums).string();
    Contents present = contents_of(checkpoint);
    if (present.files.erase(kChecksums) == 0) {
      return {fmt::format("{} is missing", kChecksums)};
    }
    const std::string text = read_file(checkpoint / kChecksums, kMaxBytes);
    const Json json = parse_json(text, where);
    std::map<std::string, std::pair<uint64_t, std::string>> files;
    for (const auto& [name, entry] : json_get<std::map<std::string, Json>>(json, "files", where)) {
      files[name] = {json_get<uint64_t>(entry, "bytes", where),
                     json_get<std::string>(entry, "xxh3_64", where)};
    }
    // checksums.json has no checksum of its own, but there is only one way to write it.
    if (text != checksums_json(files).dump(2) + "\n") {
      problems.push_back(fmt::format("{} is not as it was written", kChecksums));
    }
    for (const auto& [name, file] : files) {
      if (present.files.erase(name) == 0) {
        problems.push_back(fmt::format("{} is missing", name));
        continue;
      }
      const std::string problem = check_file(checkpoint / name, name, file.first, file.second);
      if (!problem.empty()) problems.push_back(problem);
      for (fs::path parent = fs::path(name).parent_path(); !parent.empty();
           parent = parent.parent_path()) {
        present.folders.erase(parent.string());
      }
    }
    for (const auto& name : present.others) {
      problems.push_back(fmt::format("{} is neither a file nor a folder", name));
    }
    for (const auto* added : {&present.files, &present.folders}) {
      for (const auto& name : *added) {
        problems.push_back(fmt::format("{} is not listed in {}", name, kChecksums));
      }
    }
    for (const char* needed : {"model/config.json", "model/model.safetensors", "run_state.json",
                               "optimizer.safetensors"}) {
      if (!files.contains(needed)) {
        problems.push_back(fmt::format("{} does not list {}", kChecksums, needed));
      }
    }
  } catch (const std::exception& error) {
    problems.emplace_back(error.what());
  }
  return problems;
}

std::string check_checkpoint(const fs::path& checkpoint) {
  const std::vector<std::string> problems = checkpoint_problems(checkpoint);
  return problems.empty() ? "" : problems.front();
}

}  // namespace s2i
