// Checks before a merge that all parts are complete.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "preprocess/resume_record.h"

namespace s2i {

/// If a shard is missing, corrupt or was made from different inputs, logs each affected part and
/// throws UserError with the parts to run again. With `skip_bad`, a shard that was not written
/// because of bad rows counts as missing. `split` is the name of the split.
void require_complete_parts(const std::string& split, std::span<const ExistingShard> shards,
                            size_t parts, bool skip_bad);

}  // namespace s2i
