#include "optim/optimizers/list.h"

namespace s2i {

OptimizerKind adamw_optimizer();
OptimizerKind adam_optimizer();
OptimizerKind sgd_optimizer();

const std::vector<OptimizerKind>& optimizer_kinds() {
  static const std::vector<OptimizerKind> kinds = {
      adamw_optimizer(),
      adam_optimizer(),
      sgd_optimizer(),
  };
  return kinds;
}

}  // namespace s2i
