#include "weights/model_weights.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/files.h"
#include "core/git_lfs.h"
#include "core/json.h"
#include "weights/torch_archive.h"
#include "weights/weight_index.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

void require_downloaded(const fs::path& path) {
  const InputFile file(path);
  std::string start(kLfsPointerStart.size(), '\0');
  if (file.size() < start.size()) return;
  file.read(0, std::as_writable_bytes(std::span(start)));
  reject_lfs_pointer(start, path.string());
}

NamedTensors read_file_of(const fs::path& path) {
  require_downloaded(path);
  return path.extension() == ".safetensors" ? read_safetensors(path).tensors
                                            : read_torch_archive(path);
}

/// The shards that an index names, and every tensor in the shard that the index says.
NamedTensors read_shards(const fs::path& index) {
  constexpr uint64_t kMaxIndexBytes = 16 << 20;
  auto by_shard = read_weight_index(read_json(index, kMaxIndexBytes), index.string());
  NamedTensors all;
  for (auto& [shard, wanted] : by_shard) {
    const fs::path path = index.parent_path() / shard;
    if (!fs::exists(path)) {
      throw UserError("{} names {}, which is missing", index.string(), path.string());
    }
    for (auto& [name, tensor] : read_file_of(path)) {
      if (wanted.erase(name) == 0) {
        throw UserError("{} holds {}, which its index does not place there", path.string(), name);
      }
      all.emplace_back(name, std::move(tensor));
    }
    if (!wanted.empty()) {
      throw UserError("{} lacks {}, which its index places there", path.string(), *wanted.begin());
    }
  }
  return all;
}

}  // namespace

NamedTensors read_weights(const fs::path& dir, std::string& source) {
  constexpr std::array<const char*, 4> kForms = {
      "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
      "pytorch_model.bin.index.json"};
  for (const char* form : kForms) {
    const fs::path path = dir / form;
    if (!fs::exists(path)) continue;
    source = path.string();
    return path.extension() == ".json" ? read_shards(path) : read_file_of(path);
  }
  throw UserError(
      "{} has no weights: neither model.safetensors nor pytorch_model.bin, whole or with "
      "an index",
      dir.string());
}

std::string current_name(const std::string& name, const std::string& prefix) {
  const auto starts = [&](std::string_view start) { return name.starts_with(start); };
  std::string result = name;
  if (starts("feature_extractor.") || starts("feature_projection.") || starts("encoder.") ||
      name == "masked_spec_embed") {
    result = prefix + name;
  }
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kWeightNorm = {
      {{"pos_conv_embed.conv.weight_g", "pos_conv_embed.conv.parametrizations.weight.original0"},
       {"pos_conv_embed.conv.weight_v", "pos_conv_embed.conv.parametrizations.weight.original1"}}};
  for (const auto& [old_end, new_end] : kWeightNorm) {
    if (result.ends_with(old_end)) {
      result.replace(result.size() - old_end.size(), old_end.size(), new_end);
    }
  }
  return result;
}

}  // namespace s2i
