#include "preprocess/verify.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <vector>

#include "core/checksum.h"
#include "core/error.h"
#include "core/format.h"
#include "data/dataset.h"

namespace s2i {
namespace {

std::vector<std::filesystem::path> find_splits(const std::filesystem::path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw UserError("folder {} not found", folder.string());
  }
  if (std::filesystem::exists(folder / kManifestFile)) return {folder};
  std::vector<std::filesystem::path> splits;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (std::filesystem::exists(entry.path() / kManifestFile)) splits.push_back(entry.path());
  }
  std::sort(splits.begin(), splits.end());
  if (splits.empty()) {
    throw UserError("{}: no {} in this folder or its subfolders; run s2i-preprocess to the end",
                    folder.string(), kManifestFile);
  }
  return splits;
}

bool verify_split(const std::filesystem::path& folder) {
  try {
    const Dataset dataset(folder);
    const auto problems = dataset.verify();
    for (const auto& problem : problems) spdlog::error("{}", problem);
    if (!problems.empty()) return false;
    double seconds = 0;
    for (size_t i = 0; i < dataset.size(); ++i) seconds += dataset.seconds(i);
    spdlog::info("{}: {}, {:.2f} h, all checksums of {} match; dataset_checksum {}",
                 folder.string(), plural(dataset.size(), "utterance"), seconds / 3600,
                 plural(dataset.manifest().shards.size(), "shard"),
                 checksum_text(dataset.checksum()));
    return true;
  } catch (const UserError& error) {
    spdlog::error("{}", error.what());
    return false;
  }
}

}  // namespace

bool verify_shards(const std::filesystem::path& folder) {
  bool valid = true;
  for (const auto& split : find_splits(folder)) valid = verify_split(split) && valid;
  return valid;
}

}  // namespace s2i
