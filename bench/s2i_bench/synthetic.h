// Utterances that are like Skit-S2I's in length and like nothing in content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "cluster/comm/communicator.h"
#include "cluster/placement/topology.h"
#include "data/dataset.h"

namespace s2i {

/// Lengths in samples at 16 kHz: normally distributed with mean 4.18 s, as in Skit-S2I, and
/// standard deviation 1.5 s (not published for the corpus), truncated to 1 to 10 s. A function of
/// the seed.
std::vector<int64_t> synthetic_lengths(int64_t count, uint64_t seed);

/// Writes shards of such utterances to `folder`: white noise, 14 intents.
void write_synthetic_shards(const std::filesystem::path& folder, int64_t count, uint64_t seed);

/// Writes the shards to the temporary folder of each node and opens them on every rank. The files
/// are removed when this returns and stay open. Collective.
Dataset open_synthetic(Communicator& communicator, const Topology& topology, int64_t count,
                       uint64_t seed);

}  // namespace s2i
