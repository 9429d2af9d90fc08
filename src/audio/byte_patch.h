// Corrections of file headers, applied while reading. The file itself is not changed.
#pragma once

#include <cstdint>
#include <vector>

namespace s2i {

/// Bytes that the decoder reads instead of those in the file.
struct BytePatch {
  uint64_t offset = 0;
  std::vector<unsigned char> bytes;
};

}  // namespace s2i
