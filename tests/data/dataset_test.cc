#include "data/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "audio/audio_files.h"
#include "core/error.h"
#include "core/json.h"
#include "data/shard_files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

class DatasetFolder : public testing::Test {
 protected:
  DatasetFolder() : manifest_(write_test_dataset(folder_.path())) {}

  std::filesystem::path shard_path(size_t i) const {
    return folder_.path() / manifest_.shards[i].file;
  }

  void edit_manifest(const std::function<void(Json&)>& edit) const {
    Json json = read_json(folder_.path() / kManifestFile);
    edit(json);
    write_bytes(folder_.path() / kManifestFile, json.dump());
  }

  /// Opening must fail with a message that contains both strings.
  void expect_rejected(const std::string& first, const std::string& second = "") const {
    EXPECT_THAT([&] { Dataset{folder_.path()}; },
                ThrowsMessage<UserError>(AllOf(HasSubstr(first), HasSubstr(second))));
  }

  /// Flips one bit in a sample of utterance "b".
  void corrupt_audio() const {
    std::string bytes = read_bytes(shard_path(0));
    const std::string samples("\xFF\x7F\x00\x80", 4);  // 32767, -32768
    bytes[bytes.rfind(samples)] ^= 1;
    write_bytes(shard_path(0), bytes);
  }

  TemporaryFolder folder_;
  Manifest manifest_;
};

TEST_F(DatasetFolder, ReadsUtterancesAcrossShards) {
  const Dataset dataset(folder_.path());
  ASSERT_EQ(dataset.size(), 3U);
  EXPECT_EQ(dataset.id(2), "c");
  EXPECT_EQ(dataset.label(2), 1);
  EXPECT_EQ(dataset.speaker(0), 1);
  EXPECT_EQ(dataset.num_samples(1), 2U);
  EXPECT_EQ(dataset.sample_rate(), 16000U);
  EXPECT_EQ(dataset.split(), "train");
  EXPECT_EQ(dataset.intents(), (std::vector<std::string>{"ask", "pay"}));
  EXPECT_EQ(dataset.speakers(), (std::vector<std::string>{"ann", "bob"}));
  EXPECT_EQ(dataset.find_column("template"), 0U);
  EXPECT_EQ(dataset.find_column("city"), std::nullopt);
  EXPECT_EQ(dataset.column_value(0, 0), "how much");
  EXPECT_EQ(dataset.column_value(0, 2), "pay it");
  EXPECT_DOUBLE_EQ(dataset.seconds(2), 4 / 16000.0);
  std::vector<float> samples(2);
  dataset.read_samples(1, samples, true);
  EXPECT_EQ(samples, (std::vector<float>{32767 / 32768.0F, -1.0F}));
  EXPECT_TRUE(dataset.verify().empty());
}

TEST_F(DatasetFolder, ReadsFromManyThreads) {
  const Dataset dataset(folder_.path());
  std::vector<std::vector<float>> results(8, std::vector<float>(4));
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] {
        for (int i = 0; i < 1000; ++i) dataset.read_samples(2, result, i % 2 == 0);
      });
    }
  }
  for (const auto& result : results) EXPECT_FLOAT_EQ(result[3], 8 / 32768.0F);
}

TEST_F(DatasetFolder, DetectsACorruptUtterance) {
  corrupt_audio();
  const Dataset dataset(folder_.path());
  dataset.verify_utterance(0);
  EXPECT_THAT(
      [&] { dataset.verify_utterance(1); },
      ThrowsMessage<RunError>(AllOf(HasSubstr("'b'"), HasSubstr(manifest_.shards[0].file))));
  const auto problems = dataset.verify();
  ASSERT_EQ(problems.size(), 2U);  // the utterance and its file
  EXPECT_THAT(problems[0], HasSubstr("'b'"));
  EXPECT_THAT(problems[1], HasSubstr("checksum"));
}

TEST_F(DatasetFolder, ReportsAMissingManifest) {
  std::filesystem::remove(folder_.path() / kManifestFile);
  expect_rejected("s2i-preprocess", "manifest.json");
}

TEST_F(DatasetFolder, RejectsAMissingShard) {
  std::filesystem::remove(shard_path(1));
  expect_rejected(manifest_.shards[1].file, "missing");
}

TEST_F(DatasetFolder, RejectsAShardOfAnotherSize) {
  std::string bytes = read_bytes(shard_path(0)) + "x";
  write_bytes(shard_path(0), bytes);
  expect_rejected("bytes, expected", "run s2i-preprocess again");
}

TEST_F(DatasetFolder, RejectsAShardOfAnotherSampleRate) {
  edit_manifest([](Json& json) { json["sample_rate"] = 8000; });
  expect_rejected("dataset_checksum");
}

TEST_F(DatasetFolder, NamesTheUtteranceOfATruncatedShard) {
  const Dataset dataset(folder_.path());
  std::vector<float> samples(3);
  dataset.read_samples(0, samples, true);
  std::filesystem::resize_file(shard_path(0), manifest_.shards[0].audio_start + 1);
  for (const bool verify : {true, false}) {
    EXPECT_THAT([&] { dataset.read_samples(0, samples, verify); },
                ThrowsMessage<RunError>(AllOf(HasSubstr("utterance 'a'"), HasSubstr("truncated to"),
                                              HasSubstr(manifest_.shards[0].file))));
  }
}

TEST_F(DatasetFolder, ReadsTheOldDataAfterItsShardsAreReplaced) {
  const Dataset dataset(folder_.path());
  for (const auto& shard : manifest_.shards) std::filesystem::remove(folder_.path() / shard.file);
  std::vector<float> samples(4);
  dataset.read_samples(2, samples, true);
  EXPECT_FLOAT_EQ(samples[3], 8 / 32768.0F);
}

TEST_F(DatasetFolder, RejectsAShardOfAnotherType) {
  edit_manifest([](Json& json) { json["dtype"] = "float32"; });
  expect_rejected("run s2i-preprocess again");
}

TEST_F(DatasetFolder, RejectsSamplesPastTheEndOfTheShard) {
  edit_manifest([&](Json& json) { json["shards"][0]["audio_start"] = manifest_.shards[0].bytes; });
  expect_rejected("past the end of the file");
}

TEST_F(DatasetFolder, RejectsALabelOutOfRange) {
  edit_manifest([](Json& json) { json["intents"] = {"ask"}; });
  expect_rejected("label 1, out of range for 1 intent;");
}

TEST_F(DatasetFolder, RejectsASpeakerOutOfRange) {
  edit_manifest([](Json& json) { json["speakers"] = {"ann"}; });
  expect_rejected("speaker 1, out of range for 1 speaker;");
}

TEST_F(DatasetFolder, RejectsAColumnValueOutOfRange) {
  edit_manifest([](Json& json) { json["columns"][0]["values"] = {"pay it"}; });
  expect_rejected("value 1 in column 'template', out of range for 1 value;");
}

TEST_F(DatasetFolder, RejectsOtherColumnsThanThoseOfItsShards) {
  edit_manifest([](Json& json) { json.erase("columns"); });
  expect_rejected("other columns than the split", "run s2i-preprocess again");
}

TEST_F(DatasetFolder, RejectsAnInvalidColumnName) {
  for (const char* name : {"", "..", "a/b", "a\nb"}) {
    edit_manifest([&](Json& json) { json["columns"][0]["name"] = name; });
    expect_rejected("invalid or duplicate name of a column");
  }
}

TEST_F(DatasetFolder, RejectsAnotherNameForALabel) {
  edit_manifest([](Json& json) { json["intents"] = {"ask", "play"}; });
  expect_rejected("dataset_checksum");
}

TEST_F(DatasetFolder, RejectsAnUnsupportedVersion) {
  edit_manifest([](Json& json) { json["version"] = 1; });
  expect_rejected("version 1", "version 3");
}

TEST_F(DatasetFolder, RejectsAnInvalidChannel) {
  edit_manifest([](Json& json) { json["channel"] = "both"; });
  expect_rejected("channel 'both'", "run s2i-preprocess again");
}

TEST_F(DatasetFolder, RejectsAnotherFormat) {
  edit_manifest([](Json& json) { json["format"] = "something"; });
  expect_rejected("not a dataset manifest");
}

TEST_F(DatasetFolder, RejectsAPathOutsideTheFolder) {
  edit_manifest([](Json& json) { json["shards"][0]["file"] = "../shard-00000-00000000.h5"; });
  expect_rejected("invalid shard name");
}

TEST_F(DatasetFolder, RejectsALinkToOutsideTheFolder) {
  const TemporaryFolder elsewhere;
  std::filesystem::rename(shard_path(0), elsewhere.path() / "shard");
  std::filesystem::create_symlink(elsewhere.path() / "shard", shard_path(0));
  expect_rejected("outside its folder");
}

TEST_F(DatasetFolder, RejectsADuplicateShardAndATemporaryName) {
  edit_manifest([](Json& json) { json["shards"][1] = json["shards"][0]; });
  expect_rejected("duplicate shard");
  edit_manifest([](Json& json) { json["shards"][1]["file"] = "shard-00001.h5.tmp"; });
  expect_rejected("invalid shard name");
}

TEST_F(DatasetFolder, RejectsInvalidCounts) {
  for (const Json& value : {Json(2.0), Json(-1), Json("2"), Json(UINT64_MAX), Json(true)}) {
    edit_manifest([&](Json& json) { json["shards"][0]["utterances"] = value; });
    expect_rejected("utterances");
  }
}

TEST_F(DatasetFolder, RejectsWrongTotals) {
  edit_manifest([](Json& json) { json["utterances"] = 4; });
  expect_rejected("totals do not match");
}

TEST_F(DatasetFolder, RejectsCountsThatWouldOverflow) {
  edit_manifest([](Json& json) { json["shards"][0]["samples"] = INT64_MAX; });
  expect_rejected("out of range");
  edit_manifest([](Json& json) { json["shards"][0]["samples"] = -1; });
  expect_rejected("out of range");
}

TEST_F(DatasetFolder, RejectsAnInvalidChecksum) {
  edit_manifest([](Json& json) { json["dataset_checksum"] = "0123"; });
  expect_rejected("invalid checksum");
}

TEST_F(DatasetFolder, RejectsADuplicateIntent) {
  edit_manifest([](Json& json) { json["intents"] = {"ask", "ask"}; });
  expect_rejected("duplicate 'ask'");
}

TEST(ContentChecksum, DoesNotDependOnTheDivisionIntoShards) {
  const TemporaryFolder folder;
  Manifest manifest = write_test_dataset(folder.path());
  const TemporaryFolder other;
  std::vector<Shard> shards;
  const ShardEntry entry = write_test_shard(other.path(), 0,
                                            {{"a", 0, 1, {1, -2, 3}, {0}},
                                             {"b", 1, 0, {32767, -32768}, {1}},
                                             {"c", 1, 1, {5, 6, 7, 8}, {1}}},
                                            kTestHeader);
  shards.emplace_back(other.path(), entry, SampleType::kInt16);
  EXPECT_EQ(content_checksum(manifest, shards), manifest.content_checksum);
}

}  // namespace
}  // namespace s2i
