// Checks that all ranks have the same program, configuration, data and weights.
#pragma once

#include <string>
#include <vector>

#include "cluster/comm/communicator.h"

namespace s2i {

/// Checks that every rank has the same `text` (the program's version, the effective configuration,
/// the checksums of model and data; any length). `label` names it in messages. Collective over all
/// ranks. Throws UserError, the same on every rank, with the ranks and hosts that differ from the
/// majority and the first line that differs.
void require_same_on_all_ranks(Communicator& communicator, const std::string& label,
                               const std::string& text);

/// The message for the texts of all ranks, in rank order, or "" if they are equal. Without a
/// majority, the text of the lowest rank is the reference.
std::string difference_message(const std::string& label, const std::vector<std::string>& texts,
                               const std::vector<std::string>& hosts);

}  // namespace s2i
