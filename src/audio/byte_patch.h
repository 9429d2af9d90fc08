// Corrections to a file's headers that a decoder sees and the file does not get.
#pragma once

#include <cstdint>
#include <vector>

namespace s2i {

/// Bytes that the decoder is to see in place of those in the file.
struct BytePatch {
  uint64_t offset = 0;
  std::vector<unsigned char> bytes;
};

}  // namespace s2i
