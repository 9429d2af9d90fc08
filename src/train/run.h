// A whole training run, from the configuration to the evaluation of its best checkpoint.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cluster/comm/mpi_session.h"

namespace s2i {

/// The command line of s2i-train.
struct TrainCommand {
  std::filesystem::path config;
  std::vector<std::string> overrides;  ///< key=value, applied in order.
  bool dry_run = false;
};

/// Runs on every rank; returns the exit status. Throws UserError or RunError.
int run_training(const TrainCommand& command, const MpiSession& session);

}  // namespace s2i
