// The identity of a run: what its checkpoints have to match on resume, and all ranks.
#pragma once

#include <cstdint>

#include "checkpoint/run_state.h"
#include "cluster/comm/communicator.h"
#include "train/corpus.h"

namespace s2i {

RunIdentity run_identity(std::vector<ConfigEntry> config, const Corpus& corpus, int64_t world_size);

/// Throws UserError, the same on every rank and naming the ranks that differ, unless all ranks have
/// the same configuration, data and `weights` [N] fp32: ranks on other nodes may read other files.
/// Collective.
void require_same_on_all_ranks(Communicator& communicator, const RunIdentity& identity,
                               const at::Tensor& weights);

}  // namespace s2i
