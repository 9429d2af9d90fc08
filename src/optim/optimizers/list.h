// All optimizers. A new one is a file in this folder and an entry in list.cc.
#pragma once

#include <memory>
#include <vector>

#include "optim/optimizer.h"

namespace s2i {

struct OptimizerConfig;

struct OptimizerKind {
  const char* name;  ///< As in optimizer.name.
  const char* help;
  /// `parameters` are views of `flat`.
  std::unique_ptr<Optimizer> (*make)(const OptimizerConfig& config, const NamedTensors& parameters,
                                     const FlatTensors& flat);
};

/// The first is the default.
const std::vector<OptimizerKind>& optimizer_kinds();

}  // namespace s2i
