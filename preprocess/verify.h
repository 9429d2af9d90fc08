// Implements s2i-preprocess --verify: compares the shards with their checksums.
#pragma once

#include <filesystem>

namespace s2i {

/// `folder` is the folder of a split or the parent of split folders. Logs one line per split and
/// one per problem. Returns whether everything is valid. Throws UserError if there is no dataset.
bool verify_shards(const std::filesystem::path& folder);

}  // namespace s2i
