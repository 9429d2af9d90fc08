// Recognizes out-of-memory errors and describes the batch that was too large.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>

#include "data/dataset.h"

namespace s2i {

/// Whether an exception is an out-of-memory error of a GPU or of the host.
bool is_out_of_memory(const std::exception& error);

/// The shape of a micro-batch for messages: number of utterances, longest, padding. Batches are
/// padded to a multiple of `length_multiple` samples.
std::string describe_batch(std::span<const uint32_t> utterances, int64_t length_multiple,
                           const Dataset& dataset);

}  // namespace s2i
