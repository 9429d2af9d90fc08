#include "train/run_identity.h"

#include <fmt/format.h>

#include <utility>

#include "cluster/comm/require_same.h"
#include "core/checksum.h"

namespace s2i {

RunIdentity run_identity(std::vector<ConfigEntry> config, const Corpus& corpus,
                         int64_t world_size) {
  const auto& validation = corpus.validation_split;
  return {.data_checksum = checksum_text(corpus.train.checksum()),
          .validation_checksum = validation ? checksum_text(validation->checksum()) : "",
          .world_size = world_size,
          .config = std::move(config)};
}

void require_same_on_all_ranks(Communicator& communicator, const RunIdentity& identity,
                               const at::Tensor& weights) {
  std::string settings;
  for (const auto& entry : identity.config) {
    settings += fmt::format("{}: {}\n", entry.key, entry.value);
  }
  require_same_on_all_ranks(communicator, "configuration", settings);
  require_same_on_all_ranks(communicator, "training data", identity.data_checksum);
  require_same_on_all_ranks(communicator, "validation data", identity.validation_checksum);
  const at::Tensor values = weights.to(at::kCPU);
  require_same_on_all_ranks(
      communicator, "model weights",
      checksum_text(checksum({static_cast<const std::byte*>(values.const_data_ptr()),
                              static_cast<size_t>(values.nbytes())})));
}

}  // namespace s2i
