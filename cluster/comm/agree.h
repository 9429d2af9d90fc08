// Temporary, until src/train calls require_same_on_all_ranks itself.
#pragma once

#include "cluster/comm/require_same.h"

namespace s2i {

inline void agree(Communicator& communicator, const std::string& label, const std::string& text) {
  require_same_on_all_ranks(communicator, label, text);
}

}  // namespace s2i
