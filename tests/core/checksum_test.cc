#include "core/checksum.h"

#include <gtest/gtest.h>

#include <vector>

namespace s2i {
namespace {

TEST(Checksum, IsXxh3With64Bits) {
  // The value for empty input from the xxHash specification.
  EXPECT_EQ(checksum({}), 0x2D06800538D394C2ULL);
  EXPECT_EQ(checksum_text(0x2D06800538D394C2ULL), "2d06800538d394c2");
}

TEST(Checksum, IncrementalUpdatesMatchOneCall) {
  std::vector<std::byte> bytes(100000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 31);
  ChecksumStream stream;
  const std::span<const std::byte> all(bytes);
  stream.update(all.first(17));
  stream.update(all.subspan(17));
  EXPECT_EQ(stream.value(), checksum(all));
}

}  // namespace
}  // namespace s2i
