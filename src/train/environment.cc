#include "train/environment.h"

#include <torch/headeronly/version.h>

#include <fstream>
#include <string>

#include "core/clock.h"
#include "core/json.h"
#include "core/unicode.h"

namespace s2i {
namespace {

/// The processor's name as Linux gives it, or "".
std::string processor_name() {
  std::ifstream lines("/proc/cpuinfo");
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("model name")) continue;
    return escape_invalid_utf8(trimmed(std::string_view(line).substr(line.find(':') + 1)));
  }
  return "";
}

}  // namespace

void write_environment(const std::filesystem::path& run_dir, const Cluster& cluster) {
  write_json(run_dir / "environment.json", {{"version", S2I_VERSION},
                                            {"libtorch", TORCH_VERSION},
                                            {"world_size", cluster.topology.world_size},
                                            {"nodes", cluster.topology.num_nodes},
                                            {"started", utc_time_text()},
                                            {"processor", processor_name()},
                                            {"hardware", escape_invalid_utf8(cluster.table)}});
}

}  // namespace s2i
