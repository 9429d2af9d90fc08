// Fields of manifest.json that mean something: counts, checksums.
#pragma once

#include <cstdint>
#include <string>

#include "core/json.h"

namespace s2i {

/// A count or a place in a file: from 0 to 2^40, so that sums over all shards cannot overflow.
/// Throws UserError.
uint64_t get_count(const Json& object, const char* key, const std::string& where);

/// A checksum as checksum_text() writes it. Throws UserError.
uint64_t get_checksum(const Json& object, const char* key, const std::string& where);

}  // namespace s2i
