// Dropout's random bits on the CPU, vectorized; shared by the fused CPU kernels.
#pragma once

#include <cstdint>

namespace s2i {

/// The 16 random bits of columns 0 ... columns-1 of a row (ops/dropout/dropout_bits.h), one uint16
/// each. `bits` has room for `columns` rounded up to a multiple of 64.
void dropout_row_bits(uint64_t key, uint64_t row, int64_t columns, uint16_t* bits);

/// `columns` rounded up to what dropout_row_bits() writes.
constexpr int64_t dropout_bits_room(int64_t columns) { return (columns + 63) / 64 * 64; }

/// Drops and scales one row by its bits: y = bits >= threshold ? x * scale : 0. bfloat16 as its
/// bits.
void dropout_row(const float* x, float* y, const uint16_t* bits, int64_t columns,
                 uint32_t threshold, float scale);
void dropout_row(const uint16_t* x, uint16_t* y, const uint16_t* bits, int64_t columns,
                 uint32_t threshold, float scale);

}  // namespace s2i
