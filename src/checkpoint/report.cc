#include "checkpoint/report.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/max.h>
#include <ATen/ops/sub.h>

#include <cmath>
#include <cstring>
#include <map>
#include <set>
#include <sstream>
#include <string_view>

#include "checkpoint/format.h"
#include "checkpoint/run_state.h"
#include "checkpoint/store.h"
#include "core/error.h"
#include "core/files.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

uint64_t bytes_below(const fs::path& folder) {
  uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && !entry.is_symlink()) bytes += entry.file_size();
  }
  return bytes;
}

/// Whether a field of validation.jsonl is a metric.
bool is_metric(std::string_view name) {
  return name != "step" && name != "epoch" && name != "time" && name != "count" && name != "best" &&
         name != "seconds";
}

/// The metrics in validation.jsonl by step; empty without the file.
std::map<int64_t, OrderedJson> validations_of(const fs::path& run_dir) {
  constexpr uint64_t kMaxBytes = 1ULL << 30;
  std::map<int64_t, OrderedJson> metrics;
  const fs::path path = run_dir / "validation.jsonl";
  if (!fs::exists(path)) return metrics;
  std::istringstream lines(read_file(path, kMaxBytes));
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!entry.is_object() || !entry.contains("step")) continue;  // truncated by a crash
    OrderedJson& values = metrics[json_get<int64_t>(entry, "step", path.string())];
    for (const auto& [name, value] : entry.items()) {
      if (is_metric(name)) values[name] = value;
    }
  }
  return metrics;
}

bool links_to(const fs::path& link, const fs::path& checkpoint) {
  std::error_code error;
  const fs::path target = fs::canonical(link, error);
  return !error && target == fs::canonical(checkpoint, error);
}

/// The tensors of model and optimizer by name.
std::map<std::string, at::Tensor> read_tensors(const fs::path& checkpoint) {
  std::map<std::string, at::Tensor> tensors;
  for (const char* file : {"model/model.safetensors", "optimizer.safetensors"}) {
    for (auto& [name, tensor] : read_safetensors(checkpoint / file).tensors) tensors[name] = tensor;
  }
  return tensors;
}

OrderedJson difference(const at::Tensor& a, const at::Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type())
    return "different shape or type";
  if (std::memcmp(a.const_data_ptr(), b.const_data_ptr(), a.nbytes()) == 0) return nullptr;
  const double largest =
      at::max(at::abs(at::sub(a.to(at::kDouble), b.to(at::kDouble)))).item<double>();
  if (!std::isfinite(largest)) return "not finite";
  return largest;
}

}  // namespace

std::vector<fs::path> checkpoints_at(const fs::path& path) {
  if (fs::is_directory(path / "checkpoints")) return list_checkpoints(path / "checkpoints");
  if (fs::exists(path / "checksums.json") || fs::exists(path / "run_state.json") ||
      step_of(path) >= 0) {
    return {path};
  }
  if (fs::is_directory(path)) {
    auto found = list_checkpoints(path);
    if (!found.empty()) return found;
  }
  throw UserError("{} is neither a run folder nor a checkpoint", path.string());
}

OrderedJson describe_checkpoints(const std::vector<fs::path>& checkpoints) {
  OrderedJson list = OrderedJson::array();
  std::map<fs::path, std::map<int64_t, OrderedJson>> validations;
  for (const auto& path : checkpoints) {
    const fs::path run_dir = fs::weakly_canonical(path).parent_path().parent_path();
    if (!validations.contains(run_dir)) validations[run_dir] = validations_of(run_dir);
    const std::vector<std::string> problems = checkpoint_problems(path);
    OrderedJson entry = {{"path", path.string()},
                         {"step", step_of(path)},
                         {"epoch", nullptr},
                         {"valid", problems.empty()},
                         {"problems", problems},
                         {"bytes", nullptr},
                         {"best", links_to(run_dir / "best", path)},
                         {"last", links_to(run_dir / "last", path)},
                         {"validation", nullptr}};
    if (fs::is_directory(path)) entry["bytes"] = bytes_below(path);
    if (problems.empty()) {
      const std::string where = (path / "run_state.json").string();
      const RunState state = run_state_from_json(read_json(where), where);
      entry["step"] = state.step;
      entry["epoch"] = state.epoch;
    }
    const auto& metrics = validations[run_dir];
    const auto found = metrics.find(entry["step"].get<int64_t>());
    if (found != metrics.end()) entry["validation"] = found->second;
    list.push_back(std::move(entry));
  }
  return list;
}

OrderedJson compare_checkpoints(const fs::path& a, const fs::path& b) {
  for (const auto& path : {a, b}) {
    const std::string problem = check_checkpoint(path);
    if (!problem.empty())
      throw UserError("{} is not a valid checkpoint: {}", path.string(), problem);
  }
  OrderedJson settings = OrderedJson::object();
  const auto identity = [](const fs::path& path) {
    const std::string where = (path / "run_state.json").string();
    const Json json = read_json(where);
    const RunIdentity found = run_identity_from_json(json, where);
    std::map<std::string, std::string> entries;
    for (const auto& entry : found.config) entries[entry.key] = entry.value;
    entries["step"] = std::to_string(json_get<int64_t>(json, "step", where));
    entries["data_checksum"] = found.data_checksum;
    entries["validation_checksum"] = found.validation_checksum;
    return entries;
  };
  const auto settings_a = identity(a);
  const auto settings_b = identity(b);
  std::set<std::string> names;
  for (const auto* side : {&settings_a, &settings_b}) {
    for (const auto& [name, value] : *side) names.insert(name);
  }
  const auto text = [](const auto& side, const std::string& name) {
    const auto found = side.find(name);
    return found == side.end() ? OrderedJson(nullptr) : OrderedJson(found->second);
  };
  for (const auto& name : names) {
    const OrderedJson left = text(settings_a, name);
    const OrderedJson right = text(settings_b, name);
    if (left != right) settings[name] = {left, right};
  }

  OrderedJson tensors = OrderedJson::object();
  const auto tensors_a = read_tensors(a);
  auto tensors_b = read_tensors(b);
  for (const auto& [name, tensor] : tensors_a) {
    const auto other = tensors_b.find(name);
    if (other == tensors_b.end()) {
      tensors[name] = "only in the first";
      continue;
    }
    if (const OrderedJson found = difference(tensor, other->second); !found.is_null()) {
      tensors[name] = found;
    }
    tensors_b.erase(other);
  }
  for (const auto& [name, tensor] : tensors_b) tensors[name] = "only in the second";
  return {{"equal", settings.empty() && tensors.empty()},
          {"settings", settings},
          {"tensors", tensors},
          {"tensors_compared", tensors_a.size()}};
}

}  // namespace s2i
