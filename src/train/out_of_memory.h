// Recognizes errors that say memory ran out, and describes the batch that was too large.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>

#include "data/dataset.h"

namespace s2i {

/// Whether an exception says that memory ran out, on a GPU or on the host.
bool is_out_of_memory(const std::exception& error);

/// The shape of a micro-batch of these utterances for a message: how many, the longest, padding.
/// Padded to a multiple of `length_multiple` samples.
std::string describe_batch(std::span<const uint32_t> utterances, int64_t length_multiple,
                           const Dataset& dataset);

}  // namespace s2i
