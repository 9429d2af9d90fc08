#include "classification/classifier_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& text) {
  try {
    Json json = parse_json(text, "config.json");
    if (!json.contains("model_type")) json["model_type"] = "wavlm";
    ClassifierConfig::from_json(json, "config.json");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(ClassifierConfig, DefaultsAreBase) {
  const ClassifierConfig config =
      ClassifierConfig::from_json({{"model_type", "wavlm"}}, "config.json");
  EXPECT_EQ(config.encoder.hidden_size, 768);
  EXPECT_EQ(config.num_labels(), 2);
  EXPECT_EQ(config.encoder.min_samples(), 400);
  EXPECT_EQ(config.encoder.frames(64000), 199);
  EXPECT_EQ(config.encoder.frames(400), 1);
  EXPECT_EQ(config.encoder.frames(399), 0);
  EXPECT_EQ(config.encoder.frames(719), 1);
  EXPECT_EQ(config.encoder.frames(720), 2);
}

TEST(ClassifierConfig, KeepsWhatItDoesNotUse) {
  const char* text =
      R"({"model_type": "wavlm", "hidden_size": 64, "num_attention_heads": 4, "num_codevectors_per_group": 321,
                         "something_new": {"deep": [1, 2]}, "torch_dtype": "float16",
                         "id2label": {"0": "yes", "1": "no", "2": "maybe"},
                         "label2id": {"yes": 0}})";
  const ClassifierConfig config =
      ClassifierConfig::from_json(parse_json(text, "config.json"), "config.json");
  EXPECT_EQ(config.labels, (std::vector<std::string>{"yes", "no", "maybe"}));
  const OrderedJson out = config.to_json();
  EXPECT_EQ(out["num_codevectors_per_group"], 321);
  EXPECT_EQ(out["something_new"]["deep"][1], 2);
  EXPECT_EQ(out["hidden_size"], 64);
  EXPECT_EQ(out["id2label"]["2"], "maybe");
  EXPECT_EQ(out["label2id"]["maybe"], 2);
  EXPECT_EQ(out["dtype"], "float32");
  EXPECT_FALSE(out.contains("torch_dtype"));
  EXPECT_EQ(out["architectures"][0], "WavLMForSequenceClassification");
}

TEST(ClassifierConfig, EveryTypeIsReadAndWritten) {
  for (const std::string& type : EncoderType::names()) {
    for (const char* shape : {"tiny", "base", "large"}) {
      const ClassifierConfig config = ClassifierConfig::of_shape(type, shape);
      const OrderedJson written = config.to_json();
      EXPECT_EQ(written["model_type"], type);
      const ClassifierConfig again = ClassifierConfig::from_json(Json(written), "config.json");
      EXPECT_EQ(again.to_json().dump(), written.dump());
      EXPECT_TRUE(shape_differences(config, again).empty());
    }
  }
}

TEST(ClassifierConfig, NoTypeHasAdapters) {
  for (const std::string& type : EncoderType::names()) {
    EXPECT_THAT(refusal(fmt::format(R"({{"model_type": "{}", "add_adapter": true}})", type)),
                HasSubstr("adapters are not supported"));
    EXPECT_THAT(refusal(fmt::format(R"({{"model_type": "{}", "adapter_attn_dim": 16}})", type)),
                HasSubstr("adapters are not supported"));
  }
}

TEST(ClassifierConfig, AnotherTypeIsAnotherShape) {
  const auto differences = shape_differences(ClassifierConfig::of_shape("wavlm", "tiny"),
                                             ClassifierConfig::of_shape("hubert", "tiny"));
  ASSERT_FALSE(differences.empty());
  EXPECT_EQ(differences.front(), "model_type: \"wavlm\" -> \"hubert\"");
}

TEST(ClassifierConfig, HubertHasItsOwnNorms) {
  Json json = {{"model_type", "hubert"}, {"conv_pos_batch_norm", true}};
  const ClassifierConfig with = ClassifierConfig::from_json(json, "config.json");
  ASSERT_EQ(with.type.training_notes().size(), 1U);
  EXPECT_THAT(with.type.training_notes()[0], HasSubstr("keeps its saved mean and variance"));
  json["conv_pos_batch_norm"] = false;
  const ClassifierConfig without = ClassifierConfig::from_json(json, "config.json");
  EXPECT_TRUE(without.type.training_notes().empty());
  EXPECT_THAT(shape_differences(without, with),
              ::testing::ElementsAre("conv_pos_batch_norm: false -> true"));
}

std::vector<std::string> labels_of(const std::string& text) {
  Json json = parse_json(text, "config.json");
  json["model_type"] = "wavlm";
  return ClassifierConfig::from_json(json, "config.json").labels;
}

TEST(ClassifierConfig, LabelsAreThoseOfTransformers) {
  using ::testing::ElementsAre;
  EXPECT_THAT(labels_of(R"({"id2label": {"1": "no", "0": "yes"}})"), ElementsAre("yes", "no"));
  EXPECT_THAT(labels_of(R"({"id2label": {"00": "yes", "01": "no"}})"), ElementsAre("yes", "no"));
  EXPECT_THAT(labels_of(R"({"id2label": {"0": 10, "1": -3, "2": 1.5}})"),
              ElementsAre("10", "-3", "1.5"));
  EXPECT_THAT(labels_of(R"({"num_labels": 2, "id2label": {"0": "yes", "1": "no"}})"),
              ElementsAre("yes", "no"));
  EXPECT_THAT(labels_of(R"({"num_labels": 1, "id2label": {"0": "yes", "1": "no"}})"),
              ElementsAre("LABEL_0"));
  EXPECT_THAT(labels_of(R"({"num_labels": 3})"), ElementsAre("LABEL_0", "LABEL_1", "LABEL_2"));
  EXPECT_THAT(labels_of(R"({"label2id": {"yes": 0, "no": 1}})"), ElementsAre("LABEL_0", "LABEL_1"));
}

TEST(ClassifierConfig, RejectsAmbiguousLabels) {
  EXPECT_THAT(refusal(R"({"id2label": {"0": "yes", "00": "no"}})"), HasSubstr("class 0 twice"));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "yes", "1": null}})"), HasSubstr("\"1\" to null"));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "yes", "1": ["no"]}})"), HasSubstr("not to a name"));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "yes", "one": "no"}})"), HasSubstr("the key \"one\""));
  EXPECT_THAT(refusal(R"({"id2label": {"-1": "yes", "0": "no"}})"), HasSubstr("the key \"-1\""));
  EXPECT_THAT(refusal(R"({"id2label": {"1": "yes", "2": "no"}})"), HasSubstr("no name for \"0\""));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "yes", "18446744073709551616": "no"}})"),
              HasSubstr("the key \"18446744073709551616\""));
  EXPECT_THAT(refusal(R"({"id2label": []})"), HasSubstr("has to map"));
}

TEST(ClassifierConfig, KnowsLabelsWithoutAMeaning) {
  ClassifierConfig config;
  config.labels = {"LABEL_0", "LABEL_1"};
  EXPECT_TRUE(config.has_generic_labels());
  config.labels = {"LABEL_1", "LABEL_0"};
  EXPECT_FALSE(config.has_generic_labels());
  config.labels = {"LABEL_0", "yes"};
  EXPECT_FALSE(config.has_generic_labels());
}

TEST(ClassifierConfig, NamesWhatIsWrong) {
  EXPECT_THAT(refusal(R"({"add_adapter": true})"), HasSubstr("adapters are not supported"));
  EXPECT_THAT(refusal(R"({"model_type": "whisper"})"), HasSubstr("\"whisper\""));
  EXPECT_THAT(refusal(R"({"hidden_size": "wide"})"), HasSubstr("'hidden_size' has the wrong type"));
  EXPECT_THAT(refusal(R"({"hidden_size": 100})"), HasSubstr("12 heads"));
  EXPECT_THAT(refusal(R"({"hidden_size": -768})"), HasSubstr("\"hidden_size\" is -768"));
  EXPECT_THAT(refusal(R"({"conv_stride": [5, 2]})"), HasSubstr("7, 2 and 7 members"));
  EXPECT_THAT(refusal(R"({"hidden_act": "gelux"})"), HasSubstr("did you mean \"gelu\""));
  EXPECT_THAT(refusal(R"({"hidden_dropout": 1.5})"), HasSubstr("\"hidden_dropout\" is 1.5"));
  EXPECT_THAT(refusal(R"({"feat_extract_norm": "batch"})"), HasSubstr("\"group\" or \"layer\""));
  EXPECT_THAT(refusal(R"({"id2label": {"0": "a", "2": "b"}})"), HasSubstr("no name for \"1\""));
}

// Each member within its own limits, and together more than any memory holds.
TEST(ClassifierConfig, RefusesModelsOfImpossibleSize) {
  EXPECT_THAT(refusal(R"({"hidden_size": 65536, "num_attention_heads": 16,
                          "num_hidden_layers": 1024})"),
              HasSubstr("parameters; the limit"));
  std::string list = "[4096";
  for (int i = 1; i < 64; ++i) list += ", 4096";
  list += "]";
  EXPECT_THAT(refusal(fmt::format(R"({{"conv_dim": {}, "conv_stride": {}, "conv_kernel": {}}})",
                                  list, list, list)),
              HasSubstr("make a frame of over"));
  EXPECT_THAT(refusal(R"({"hidden_size": 768.5})"), HasSubstr("wrong type"));
  EXPECT_THAT(refusal(R"({"initializer_range": -1})"), HasSubstr("initializer_range"));
}

}  // namespace
}  // namespace s2i
