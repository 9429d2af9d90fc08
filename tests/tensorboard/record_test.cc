#include "tensorboard/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>

namespace s2i::tensorboard {
namespace {

using ::testing::ElementsAre;

TEST(Record, ChecksumIsMaskedCrc32c) {
  // The check value of CRC-32C, and a block of zeros of RFC 3720.
  const auto unmasked = [](std::string_view bytes) {
    return std::rotl(masked_crc32c(bytes) - 0xa282ead8, 15);
  };
  EXPECT_EQ(unmasked("123456789"), 0xE3069283);
  EXPECT_EQ(unmasked(std::string(32, '\0')), 0x8A9136AA);
  EXPECT_EQ(unmasked(""), 0);
}

TEST(Record, ReadsWhatWasWritten) {
  const std::string file = to_record("one") + to_record("") + to_record(std::string(70000, 'x'));
  EXPECT_THAT(records_of(file), ElementsAre("one", "", std::string(70000, 'x')));
  EXPECT_THAT(records_of(""), ElementsAre());
}

TEST(Record, EndsAtATruncatedRecord) {
  const std::string first = to_record("one");
  const std::string file = first + to_record("two");
  for (size_t size = first.size(); size < file.size(); ++size) {
    EXPECT_THAT(records_of(file.substr(0, size)), ElementsAre("one"));
  }
}

TEST(Record, EndsAtADamagedRecord) {
  const std::string first = to_record("one");
  const std::string file = first + to_record("two");
  for (size_t i = first.size(); i < file.size(); ++i) {
    std::string damaged = file;
    damaged[i] ^= 1;
    EXPECT_THAT(records_of(damaged), ElementsAre("one")) << "byte " << i;
  }
}

}  // namespace
}  // namespace s2i::tensorboard
