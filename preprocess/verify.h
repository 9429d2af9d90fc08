// s2i-preprocess --verify: shards read again and compared with their checksums.
#pragma once

#include <filesystem>

namespace s2i {

/// `folder` is one split's, or has the splits' folders in it. Logs a line a split and one for each
/// thing that is wrong. Returns whether all is well. Throws UserError if there is no data set.
bool verify_shards(const std::filesystem::path& folder);

}  // namespace s2i
