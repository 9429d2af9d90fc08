// The part of Python's pickle format (protocols 2 to 5) that describes a dict of tensors. Nothing
// is executed, imported or constructed: what comes out says where the tensors' values lie.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weights/pickled_tensors.h"

namespace s2i {

/// Reads a dict of tensors. `where` stands in the messages. A storage has one type and count for
/// all its tensors, no tensor reaches past its storage, no name comes twice, and together the
/// tensors are at most four times as large as their storages. Throws UserError for anything else:
/// an opcode or global outside the list, a malformed stream.
std::vector<PickledTensor> read_pickled_tensors(std::string_view pickle, const std::string& where);

}  // namespace s2i
