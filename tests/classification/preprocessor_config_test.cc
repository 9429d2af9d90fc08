#include "classification/preprocessor_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/error.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

PreprocessorConfig read(const std::string& text) {
  return read_preprocessor(parse_json(text, "p.json"), "p.json");
}

void expect_rejected(const std::string& text, const std::string& reason) {
  EXPECT_THAT([&] { read(text); },
              ThrowsMessage<UserError>(AllOf(HasSubstr("p.json"), HasSubstr(reason))))
      << text;
}

TEST(PreprocessorConfig, HasTheDefaultsOfTransformers) {
  const PreprocessorConfig config = read("{}");
  EXPECT_EQ(config.sampling_rate, 16000);
  EXPECT_TRUE(config.do_normalize);
  EXPECT_FALSE(config.return_attention_mask);
}

TEST(PreprocessorConfig, AcceptsASamplingRateWithAFraction) {
  EXPECT_EQ(read(R"({"sampling_rate": 8000.0})").sampling_rate, 8000);
  for (const char* value : {"16000.5", "null", "\"16000\"", "0", "-16000", "1e300", "true", "[]"}) {
    expect_rejected(fmt::format(R"({{"sampling_rate": {}}})", value), "\"sampling_rate\" is");
  }
}

TEST(PreprocessorConfig, TreatsFlagsAsPythonDoes) {
  for (const char* value : {"false", "null", "0", "0.0"}) {
    EXPECT_FALSE(read(fmt::format(R"({{"do_normalize": {}}})", value)).do_normalize) << value;
  }
  for (const char* value : {"true", "1", "1.0"}) {
    EXPECT_TRUE(read(fmt::format(R"({{"do_normalize": {}}})", value)).do_normalize) << value;
  }
  for (const char* value : {"\"false\"", "2", "[]", "{}"}) {
    expect_rejected(fmt::format(R"({{"do_normalize": {}}})", value), "not true or false");
  }
}

TEST(PreprocessorConfig, RejectsOtherFeatureExtractors) {
  EXPECT_NO_THROW(read(R"({"feature_extractor_type": "Wav2Vec2FeatureExtractor"})"));
  expect_rejected(R"({"feature_extractor_type": "WhisperFeatureExtractor"})",
                  "the feature extractor is WhisperFeatureExtractor");
}

class PreprocessorFolder : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() / name) << text;
  }
  PreprocessorConfig load() const { return load_preprocessor(folder_.path()); }

  TemporaryFolder folder_;
};

TEST_F(PreprocessorFolder, TheNestedFeatureExtractorTakesPrecedence) {
  EXPECT_THAT([&] { load(); }, ThrowsMessage<UserError>(HasSubstr("processor_config.json")));
  write("processor_config.json", R"({"feature_extractor": {"do_normalize": false}})");
  EXPECT_FALSE(load().do_normalize);
  write("preprocessor_config.json", R"({"do_normalize": true, "sampling_rate": 8000})");
  EXPECT_FALSE(load().do_normalize);
  EXPECT_EQ(load().sampling_rate, 16000);
  // Older versions of transformers write no feature extractor into processor_config.json.
  write("processor_config.json", R"({"processor_class": "Wav2Vec2Processor"})");
  EXPECT_EQ(load().sampling_rate, 8000);
  write("processor_config.json", R"({"audio_processor": {"sampling_rate": 4000}})");
  EXPECT_EQ(load().sampling_rate, 4000);
}

TEST_F(PreprocessorFolder, NamesTheInvalidFile) {
  write("processor_config.json", R"({"feature_extractor": {"do_normalize": "no"}})");
  EXPECT_THAT([&] { load(); }, ThrowsMessage<UserError>(HasSubstr("/processor_config.json: ")));
  write("processor_config.json", R"({"feature_extractor": []})");
  EXPECT_THAT([&] { load(); }, ThrowsMessage<UserError>(HasSubstr("not a JSON object")));
  write("processor_config.json", "version https://git-lfs.github.com/spec/v1\n");
  EXPECT_THAT([&] { load(); }, ThrowsMessage<UserError>(HasSubstr("Git LFS pointer")));
}

}  // namespace
}  // namespace s2i
