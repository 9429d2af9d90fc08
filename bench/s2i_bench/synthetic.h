// Utterances that are like Skit-S2I's in length and like nothing in content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/placement/topology.h"
#include "data/dataset.h"

namespace s2i {

/// Lengths in samples at 16 kHz: normal with mean 4.18 s, as in Skit-S2I, and deviation 1.5 s
/// (which the corpus' paper does not give), drawn again outside 1 to 10 s. The same for a seed
/// everywhere.
std::vector<int64_t> synthetic_lengths(int64_t count, uint64_t seed);

/// Shards of such utterances, white noise with 14 intents, in `folder`.
void write_synthetic_shards(const std::filesystem::path& folder, int64_t count, uint64_t seed);

/// The same opened on every rank: each node writes its own to its temporary folder, and the files
/// are gone when this returns but for the open maps. Collective.
Dataset open_synthetic(Communicator& communicator, const Topology& topology, int64_t count,
                       uint64_t seed);

}  // namespace s2i
