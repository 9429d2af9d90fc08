#include "data/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "audio/audio_files.h"
#include "core/error.h"
#include "data/shard_files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class ShardFile : public testing::Test {
 protected:
  std::filesystem::path path_of(const ShardEntry& entry) const {
    return folder_.path() / entry.file;
  }
  TemporaryFolder folder_;
};

TEST_F(ShardFile, GivesBackWhatWasWritten) {
  const ShardEntry entry =
      write_test_shard(folder_.path(), 3, {{"first", 2, 1, {1, 2, 3}}, {"zweite-ü", 0, 0, {-4}}});
  const Shard shard(path_of(entry));
  EXPECT_EQ(shard.header().split, "train");
  EXPECT_EQ(shard.header().sample_rate, 16000U);
  EXPECT_EQ(shard.header().sample_type, SampleType::kInt16);
  EXPECT_EQ(shard.header().source_rates, std::vector<uint32_t>{8000});
  EXPECT_EQ(shard.header().resampler, "test");
  ASSERT_EQ(shard.size(), 2U);
  EXPECT_EQ(shard.id(0), "first");
  EXPECT_EQ(shard.id(1), "zweite-ü");
  EXPECT_EQ(shard.label(0), 2);
  EXPECT_EQ(shard.speaker(0), 1);
  EXPECT_EQ(shard.num_samples(0), 3U);
  EXPECT_EQ(shard.num_samples(), 4U);
  EXPECT_EQ(checksum(shard.sample_bytes(0)), shard.stored_checksum(0));
  int16_t sample = 0;
  std::memcpy(&sample, shard.sample_bytes(1).data(), sizeof(sample));
  EXPECT_EQ(sample, -4);
}

TEST_F(ShardFile, IsDescribedByItsEntry) {
  const ShardEntry entry = write_test_shard(folder_.path(), 7, {{"a", 0, 0, {1, 2}}});
  EXPECT_EQ(entry.utterances, 1U);
  EXPECT_EQ(entry.samples, 2U);
  EXPECT_EQ(entry.bytes, std::filesystem::file_size(path_of(entry)));
  EXPECT_EQ(entry.checksum, checksum_file(path_of(entry)));
  EXPECT_EQ(entry.file, "shard-00007-" + checksum_text(entry.checksum).substr(0, 8) + ".h5");
  EXPECT_TRUE(is_shard_name(entry.file));
}

TEST_F(ShardFile, HasTheSameBytesEveryTime) {
  const std::vector<TestUtterance> utterances{{"a", 0, 0, std::vector<int16_t>(50000, 7)}};
  const ShardEntry first = write_test_shard(folder_.path(), 0, utterances);
  const std::string bytes = read_bytes(path_of(first));
  std::filesystem::remove(path_of(first));
  const ShardEntry second = write_test_shard(folder_.path(), 0, utterances);
  EXPECT_EQ(first.file, second.file);
  EXPECT_TRUE(bytes == read_bytes(path_of(second)));
}

TEST_F(ShardFile, MayHoldNothing) {
  const Shard shard(path_of(write_test_shard(folder_.path(), 0, {})));
  EXPECT_EQ(shard.size(), 0U);
  EXPECT_EQ(shard.num_samples(), 0U);
}

TEST_F(ShardFile, LeavesNoTemporaryFile) {
  write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1}}});
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().extension(), ".h5");
  }
}

TEST_F(ShardFile, HoldsFloatsExactly) {
  const std::vector<float> samples{0.1F, -1.5F, 1e-20F};
  const auto bytes = std::as_bytes(std::span(samples));
  const ShardUtterance utterance{"a", 0, 0, checksum(bytes), bytes};
  ShardHeader header;
  header.sample_type = SampleType::kFloat32;
  const Shard shard(path_of(write_shard(folder_.path(), 0, header, {&utterance, 1})));
  EXPECT_EQ(shard.header().sample_type, SampleType::kFloat32);
  ASSERT_EQ(shard.num_samples(0), 3U);
  EXPECT_EQ(std::memcmp(shard.sample_bytes(0).data(), samples.data(), bytes.size()), 0);
}

TEST_F(ShardFile, IsRefusedWhenItIsSomethingElse) {
  const auto path = folder_.path() / "shard-00000-00000000.h5";
  write_bytes(path, "not HDF5");
  EXPECT_THAT([&] { Shard{path}; },
              ThrowsMessage<UserError>(HasSubstr("run s2i-preprocess again")));
  write_bytes(path, "");
  EXPECT_THROW(Shard{path}, UserError);
  EXPECT_THROW(Shard{folder_.path() / "gone.h5"}, UserError);
}

TEST_F(ShardFile, IsRefusedWhenCutAnywhere) {
  const auto path = path_of(write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1, 2, 3, 4}}}));
  const std::string bytes = read_bytes(path);
  for (size_t length = 0; length < bytes.size(); length += 97) {
    write_bytes(path, bytes.substr(0, length));
    EXPECT_THROW(Shard{path}, UserError) << length << " of " << bytes.size() << " bytes";
  }
}

/// Whatever is in the file, opening it either works or is refused: it never reads outside the file.
TEST_F(ShardFile, SurvivesDamageAnywhere) {
  const auto path = path_of(write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1, 2, 3, 4}}}));
  const std::string bytes = read_bytes(path);
  for (size_t position = 0; position < bytes.size(); position += 7) {
    std::string damaged = bytes;
    damaged[position] = static_cast<char>(damaged[position] ^ 0xFF);
    write_bytes(path, damaged);
    try {
      const Shard shard(path);
      for (size_t i = 0; i < shard.size(); ++i) static_cast<void>(checksum(shard.sample_bytes(i)));
    } catch (const UserError&) {
    }
  }
}

TEST_F(ShardFile, NamesAFolderThatIsNotThere) {
  EXPECT_THROW(write_test_shard(folder_.path() / "gone", 0, {{"a", 0, 0, {1}}}), RunError);
}

TEST(ShardName, LeavesNoRoomForAnotherFolder) {
  EXPECT_TRUE(is_shard_name("shard-00012-0123abcd.h5"));
  EXPECT_TRUE(is_shard_name("shard-00012.h5.tmp"));
  EXPECT_FALSE(is_shard_name("../shard-00012-0123abcd.h5"));
  EXPECT_FALSE(is_shard_name("/etc/passwd"));
  EXPECT_FALSE(is_shard_name("manifest.json"));
}

}  // namespace
}  // namespace s2i
