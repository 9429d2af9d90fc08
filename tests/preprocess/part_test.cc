#include "preprocess/part.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

TEST(Part, EveryShardBelongsToExactlyOnePart) {
  for (size_t count = 1; count <= 9; ++count) {
    for (size_t shard = 0; shard < 20; ++shard) {
      size_t owners = 0;
      for (size_t number = 1; number <= count; ++number) {
        owners += Part{number, count}.owns(shard) ? 1 : 0;
      }
      EXPECT_EQ(owners, 1U) << "shard " << shard << " of " << count << " parts";
    }
  }
}

TEST(Part, ParsesNumberAndCount) {
  EXPECT_EQ(parse_part("3/16").number, 3U);
  EXPECT_EQ(parse_part("3/16").count, 16U);
  EXPECT_EQ(parse_part("16/16").text(), "16/16");
  for (const char* bad : {"", "3", "/", "3/", "/3", "0/3", "4/3", "-1/3", "1/0", "1/3/4", " 1/3",
                          "a/b", "1/3x", "1/99999999999999999999"}) {
    EXPECT_THROW(parse_part(bad), UserError) << bad;
  }
}

}  // namespace
}  // namespace s2i
