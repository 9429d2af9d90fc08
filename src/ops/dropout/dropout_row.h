// One row of dropout on the CPU, vectorized.
#pragma once

#include <cstdint>

namespace s2i {

/// Writes the 16 random bits of columns 0 ... columns-1 of a row (ops/dropout/dropout_bits.h), one
/// uint16 each. `bits` has dropout_bits_size(columns) elements.
void dropout_row_bits(uint64_t key, uint64_t row, int64_t columns, uint16_t* bits);

/// `columns` rounded up to the 64 that dropout_row_bits() writes at a time.
constexpr int64_t dropout_bits_size(int64_t columns) { return (columns + 63) / 64 * 64; }

/// y = bits >= threshold ? x * scale : 0 for one row. uint16_t holds bfloat16.
void dropout_row(const float* x, float* y, const uint16_t* bits, int64_t columns,
                 uint32_t threshold, float scale);
void dropout_row(const uint16_t* x, uint16_t* y, const uint16_t* bits, int64_t columns,
                 uint32_t threshold, float scale);

}  // namespace s2i
