// How gradients are grouped into buckets, each of which is reduced by one collective.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace s2i {

/// Groups consecutive gradients of the given sizes into buckets of at most `bucket_size`; a larger
/// gradient has a bucket of its own. All in the same unit. Returns the number of gradients in each
/// bucket.
std::vector<size_t> cut_into_buckets(std::span<const int64_t> sizes, int64_t bucket_size);

}  // namespace s2i
