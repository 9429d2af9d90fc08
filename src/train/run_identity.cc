#include "train/run_identity.h"

#include "core/checksum.h"

namespace s2i {

RunIdentity run_identity(const TrainConfig& config, const Dataset& train, const Dataset& validation,
                         int64_t world_size) {
  TrainConfig copy = config;
  const bool split = !config.data.validation_split.empty();
  return {.data_checksum = checksum_text(train.checksum()),
          .validation_checksum = split ? checksum_text(validation.checksum()) : "",
          .world_size = world_size,
          .config = config_entries(train_config_fields(copy))};
}

}  // namespace s2i
