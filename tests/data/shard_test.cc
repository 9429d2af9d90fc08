#include "data/shard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <span>
#include <vector>

#include "audio/audio_files.h"
#include "core/error.h"
#include "core/files.h"
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
  Shard open(const ShardEntry& entry, SampleType type = SampleType::kInt16) const {
    return {folder_.path(), entry, type};
  }

  static std::vector<int16_t> samples_of(const Shard& shard, size_t i) {
    std::vector<int16_t> samples(shard.num_samples(i));
    InputFile(shard.path())
        .read(shard.samples_start(i), std::as_writable_bytes(std::span(samples)));
    return samples;
  }

  static uint64_t checksum_of(const std::vector<int16_t>& samples) {
    return checksum(std::as_bytes(std::span(samples)));
  }

  TemporaryFolder folder_;
};

TEST_F(ShardFile, RoundTrips) {
  const ShardEntry entry =
      write_test_shard(folder_.path(), 3, {{"first", 2, 1, {1, 2, 3}}, {"zweite-ü", 0, 0, {-4}}});
  const Shard shard = open(entry);
  ASSERT_EQ(shard.size(), 2U);
  EXPECT_EQ(shard.id(0), "first");
  EXPECT_EQ(shard.id(1), "zweite-ü");
  EXPECT_EQ(shard.label(0), 2);
  EXPECT_EQ(shard.speaker(0), 1);
  EXPECT_EQ(shard.num_samples(0), 3U);
  EXPECT_EQ(shard.num_samples(), 4U);
  EXPECT_EQ(checksum_of(samples_of(shard, 0)), shard.stored_checksum(0));
  EXPECT_EQ(samples_of(shard, 1), (std::vector<int16_t>{-4}));
}

TEST_F(ShardFile, EntryDescribesTheFile) {
  const ShardEntry entry = write_test_shard(folder_.path(), 7, {{"a", 0, 0, {1, 2}}});
  EXPECT_EQ(entry.utterances, 1U);
  EXPECT_EQ(entry.samples, 2U);
  EXPECT_EQ(entry.bytes, std::filesystem::file_size(path_of(entry)));
  EXPECT_EQ(entry.checksum, checksum_file(path_of(entry)));
  EXPECT_EQ(entry.file, "shard-00007-" + checksum_text(entry.checksum).substr(0, 8) + ".h5");
  EXPECT_TRUE(is_shard_name(entry.file));
}

TEST_F(ShardFile, IsDeterministic) {
  const std::vector<TestUtterance> utterances{{"a", 0, 0, std::vector<int16_t>(50000, 7)}};
  const ShardEntry first = write_test_shard(folder_.path(), 0, utterances);
  const std::string bytes = read_bytes(path_of(first));
  std::filesystem::remove(path_of(first));
  const ShardEntry second = write_test_shard(folder_.path(), 0, utterances);
  EXPECT_EQ(first.file, second.file);
  EXPECT_TRUE(bytes == read_bytes(path_of(second)));
}

TEST_F(ShardFile, CanBeEmpty) {
  const Shard shard = open(write_test_shard(folder_.path(), 0, {}));
  EXPECT_EQ(shard.size(), 0U);
  EXPECT_EQ(shard.num_samples(), 0U);
}

TEST_F(ShardFile, LeavesNoTemporaryFile) {
  write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1}}});
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_EQ(entry.path().extension(), ".h5");
  }
}

TEST_F(ShardFile, StoresFloatsExactly) {
  const std::vector<float> samples{0.1F, -1.5F, 1e-20F};
  const auto bytes = std::as_bytes(std::span(samples));
  const ShardUtterance utterance{"a", 0, 0, checksum(bytes), bytes};
  ShardHeader header;
  header.sample_type = SampleType::kFloat32;
  const Shard shard =
      open(write_shard(folder_.path(), 0, header, {&utterance, 1}), SampleType::kFloat32);
  ASSERT_EQ(shard.samples_bytes(0), bytes.size());
  std::vector<float> found(3);
  InputFile(shard.path()).read(shard.samples_start(0), std::as_writable_bytes(std::span(found)));
  EXPECT_EQ(found, samples);
}

TEST_F(ShardFile, RejectsAFileThatIsNotAShard) {
  ShardEntry entry;
  entry.file = "shard-00000-00000000.h5";
  EXPECT_THAT([&] { open(entry); },
              ThrowsMessage<UserError>(HasSubstr("run s2i-preprocess again")));
  const std::string text = "a text file with a matching manifest entry";
  write_bytes(path_of(entry), text);
  entry.bytes = text.size();
  entry.tables_checksum = checksum(std::as_bytes(std::span(text)));
  EXPECT_THAT([&] { open(entry); }, ThrowsMessage<UserError>(HasSubstr("/offset does not start")));
}

TEST_F(ShardFile, RejectsAWrongTableOffset) {
  const ShardEntry good = write_test_shard(
      folder_.path(), 0, {{"a", 0, 0, std::vector<int16_t>(3000, 1)}, {"b", 1, 0, {1, 2, 3}}});
  for (uint64_t ShardLayout::*table :
       {&ShardLayout::offset, &ShardLayout::label, &ShardLayout::speaker, &ShardLayout::id,
        &ShardLayout::checksum}) {
    // In the samples, across the end, past the end, and where the sum overflows.
    for (const uint64_t start : {good.audio_start - 1, good.audio_start, good.audio_start + 100,
                                 good.bytes - 1, good.bytes, good.bytes + 1, UINT64_MAX}) {
      ShardEntry entry = good;
      entry.layout.*table = start;
      EXPECT_THAT([&] { open(entry); }, ThrowsMessage<UserError>(HasSubstr("out of bounds")))
          << start;
    }
  }
  for (const uint64_t start : {good.audio_start, good.bytes, UINT64_MAX}) {
    ShardEntry entry = good;
    entry.layout.columns = {start};
    EXPECT_THAT([&] { open(entry); }, ThrowsMessage<UserError>(HasSubstr("out of bounds")));
  }
  ShardEntry crowded = good;
  crowded.layout.columns.assign(kMaxColumns + 1, good.layout.label);
  EXPECT_THAT([&] { open(crowded); }, ThrowsMessage<UserError>(HasSubstr("columns, the limit")));
  for (const uint64_t width : {uint64_t{0}, uint64_t{257}, UINT64_MAX}) {
    ShardEntry entry = good;
    entry.layout.id_bytes = width;
    EXPECT_THAT([&] { open(entry); }, ThrowsMessage<UserError>(HasSubstr("id size of")));
  }
  for (const uint64_t count : {uint64_t{3004}, UINT64_MAX}) {
    ShardEntry entry = good;
    entry.utterances = count;
    EXPECT_THAT([&] { open(entry); }, ThrowsMessage<UserError>(HasSubstr("utterances but only")));
  }
}

TEST_F(ShardFile, RejectsATruncatedFile) {
  const ShardEntry entry = write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1, 2, 3, 4}}});
  const std::string bytes = read_bytes(path_of(entry));
  for (size_t length = 0; length < bytes.size(); length += 497) {
    write_bytes(path_of(entry), bytes.substr(0, length));
    EXPECT_THROW(open(entry), UserError) << length << " of " << bytes.size() << " bytes";
  }
}

TEST_F(ShardFile, DetectsAChangeOfAnyByte) {
  const ShardEntry entry = write_test_shard(folder_.path(), 0, {{"a", 0, 0, {1, 2, 3, 4}}});
  const std::string bytes = read_bytes(path_of(entry));
  size_t rejected = 0;
  for (size_t position = 0; position < bytes.size(); position += 31) {
    std::string damaged = bytes;
    damaged[position] = static_cast<char>(damaged[position] ^ 0x10);
    write_bytes(path_of(entry), damaged);
    try {
      const Shard shard = open(entry);
      EXPECT_NE(checksum_of(samples_of(shard, 0)), shard.stored_checksum(0)) << position;
    } catch (const UserError&) {
      ++rejected;
    }
  }
  EXPECT_GE(rejected, bytes.size() / 31 - 1);  // all except those in the 8 bytes of samples
}

TEST_F(ShardFile, ReportsAMissingFolder) {
  EXPECT_THROW(write_test_shard(folder_.path() / "gone", 0, {{"a", 0, 0, {1}}}), RunError);
}

TEST(ShardName, DoesNotAllowAPath) {
  EXPECT_TRUE(is_shard_name("shard-00012-0123abcd.h5"));
  EXPECT_TRUE(is_shard_name("shard-00012.h5.0123abcd.tmp"));
  EXPECT_FALSE(is_shard_name("shard-00012.h5.0123/bcd.tmp"));
  EXPECT_FALSE(is_shard_name("shard-00012-0123abcd.h5.tmp"));
  EXPECT_FALSE(is_shard_name("../shard-00012-0123abcd.h5"));
  EXPECT_FALSE(is_shard_name("shard-00012-0123abcd.h5/../../x"));
  EXPECT_FALSE(is_shard_name("shard-00012-0123ABCD.h5"));
  EXPECT_FALSE(is_shard_name("shard-0012-0123abcd.h5"));
  EXPECT_FALSE(is_shard_name("shard-00012.h5"));
  EXPECT_FALSE(is_shard_name("shard-00012"));
  EXPECT_FALSE(is_shard_name("/etc/passwd"));
  EXPECT_FALSE(is_shard_name("manifest.json"));
}

}  // namespace
}  // namespace s2i
