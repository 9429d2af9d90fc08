// environment.json: the machines and libraries of a run.
#pragma once

#include <filesystem>

#include "train/join_cluster.h"

namespace s2i {

/// Writes environment.json: `version` of this project, `libtorch`, `world_size`, `nodes`, `started`
/// (UTC), `processor` of rank 0, and `hardware` (the table at the start of the log). Throws
/// RunError.
void write_environment(const std::filesystem::path& run_dir, const Cluster& cluster);

}  // namespace s2i
