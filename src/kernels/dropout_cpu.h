// Dropout's random bits on the CPU, vectorised; shared by the fused CPU kernels.
#pragma once

#include <cstdint>

namespace s2i {

/// The 16 random bits of columns 0 ... columns-1 of a row (kernels/dropout_bits.h), one uint16
/// each. `bits` has room for `columns` rounded up to a multiple of 128.
void dropout_row_bits(uint64_t key, uint64_t row, int64_t columns, uint16_t* bits);

/// `columns` rounded up to what dropout_row_bits() writes.
constexpr int64_t dropout_bits_room(int64_t columns) { return (columns + 127) / 128 * 128; }

}  // namespace s2i
