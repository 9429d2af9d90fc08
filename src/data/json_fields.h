// Typed fields of manifest.json: counts and checksums.
#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"

namespace s2i {

/// Returns a count or file offset from 0 to 2^40. The limit keeps sums over all shards from
/// overflowing. Throws UserError.
uint64_t get_count(const Json& object, const char* key, const std::string& where);

/// Returns a checksum in the format of checksum_text(). Throws UserError.
uint64_t get_checksum(const Json& object, const char* key, const std::string& where);

}  // namespace s2i
