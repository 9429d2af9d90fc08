// Ranks that differ in what must be the same for a run to mean anything.
#pragma once

#include <string>
#include <vector>

#include "cluster/comm/communicator.h"

namespace s2i {

/// Checks that every rank has the same `text` (the program's version, the effective configuration,
/// the checksums of model and data; any length) for `label`. Collective over all ranks. Throws
/// UserError, the same on every rank, naming the ranks and hosts that differ from most and the
/// first line in which they do.
void agree(Communicator& communicator, const std::string& label, const std::string& text);

/// What is wrong with the texts of all ranks, in rank order, or "". With a draw, those who differ
/// from the lowest rank are named.
std::string disagreement(const std::string& label, const std::vector<std::string>& texts,
                         const std::vector<std::string>& hosts);

}  // namespace s2i
