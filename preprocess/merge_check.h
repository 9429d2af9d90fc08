// Whether everything that a merge needs is there, and if not, which parts are to be run again.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "preprocess/resume_record.h"

namespace s2i {

/// Names every part of `parts` with a shard that is missing, damaged or made from something else,
/// one a line of the log, and throws UserError saying what to run. With `skip_bad` a shard that was
/// not written for its bad rows counts as missing. `split` is the split's name.
void refuse_unfinished(const std::string& split, std::span<const FoundShard> shards, size_t parts,
                       bool skip_bad);

}  // namespace s2i
