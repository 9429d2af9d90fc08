#include "core/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/error.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

enum class Color { kRed, kGreen };
constexpr std::array kColors = {Choice<Color>{"red", Color::kRed},
                                Choice<Color>{"green", Color::kGreen}};

struct Shape {
  const char* name;
  const char* help;
};

struct Settings {
  bool fast = true;
  int64_t steps = 10;
  double rate = 0.1;
  std::string name = "adamw";
  std::vector<std::string> tags = {};
  Color color = Color::kRed;
  std::vector<Shape> shapes = {{"round", "no corners"}, {"square", "four corners"}};
  Shape shape = shapes.front();
  size_t length = 3;  ///< Written as that many x.

  ConfigFields fields() {
    ConfigFields fields;
    fields.emplace_back("train.fast", &fast, "Fast mode").may_change_on_resume();
    fields.emplace_back("train.steps", &steps, "Number of steps").range(1, 1e6);
    fields.emplace_back("optimizer.rate", &rate, "Learning rate").range(0, 1);
    fields.emplace_back("optimizer.name", &name, "Optimizer").one_of({"adamw", "adam"});
    fields.emplace_back("tags", &tags, "Tags");
    fields.push_back(choice_field("color", color, kColors, "Color"));
    fields.push_back(registry_field("shape", shape, shapes, "Shape"));
    fields.emplace_back("length",
                        ConfigText{[this] { return std::string(length, 'x'); },
                                   [this](const std::string& text) {
                                     if (text.empty()) throw UserError("is empty");
                                     length = text.size();
                                   }},
                        "Length");
    return fields;
  }
};

std::string message_of(const std::string& yaml) {
  Settings settings;
  ConfigFields fields = settings.fields();
  try {
    load_config_text(fields, yaml, "test.yaml");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Config, ReadsEachTypeAndKeepsDefaults) {
  Settings settings;
  ConfigFields fields = settings.fields();
  load_config_text(fields,
                   "train:\n  fast: false\n  steps: 1e3\noptimizer:\n  name: adam\ntags: [a, b]\n",
                   "test.yaml");
  EXPECT_FALSE(settings.fast);
  EXPECT_EQ(settings.steps, 1000);
  EXPECT_EQ(settings.rate, 0.1);
  EXPECT_EQ(settings.name, "adam");
  EXPECT_THAT(settings.tags, ::testing::ElementsAre("a", "b"));
}

TEST(Config, ReadsNamedChoicesIntoTheirTypes) {
  Settings settings;
  ConfigFields fields = settings.fields();
  load_config_text(fields, "color: green\nshape: square\nlength: xxxx\n", "test.yaml");
  EXPECT_EQ(settings.color, Color::kGreen);
  EXPECT_STREQ(settings.shape.name, "square");
  EXPECT_EQ(settings.length, 4U);
  EXPECT_EQ(config_value(fields, "color"), "green");
  EXPECT_EQ(config_value(fields, "shape"), "square");
  EXPECT_EQ(config_value(fields, "length"), "xxxx");
  const std::string text = config_text(fields, /*with_help=*/true);
  EXPECT_THAT(text, HasSubstr("# Color (red, green)\ncolor: \"green\"\n"));
  EXPECT_THAT(text, HasSubstr("# Shape. round: no corners; square: four corners (round, square)"));
}

TEST(Config, ErrorsOfChoicesAndParsersNameFileLineAndKey) {
  EXPECT_THAT(message_of("train: {}\ncolor: blue\n"),
              HasSubstr("test.yaml:2: color is 'blue' but must be one of red, green"));
  EXPECT_THAT(message_of("shape: flat\n"), HasSubstr("one of round, square"));
  EXPECT_THAT(message_of("length: ''\n"), HasSubstr("test.yaml:1: length is empty"));
  EXPECT_THAT(message_of("color: [red]\n"), HasSubstr("color is '[red]' but must be a text"));
  EXPECT_THROW(choice_value(kColors, "blue"), UserError);
}

TEST(Config, EntriesSayWhichSettingsMayChangeOnResume) {
  Settings settings;
  const auto entries = config_entries(settings.fields());
  EXPECT_EQ(entries.at(0), (ConfigEntry{"train.fast", "true", true}));
  EXPECT_EQ(entries.at(1), (ConfigEntry{"train.steps", "10", false}));
  EXPECT_EQ(entries.at(5), (ConfigEntry{"color", "\"red\"", false}));
}

TEST(Config, ShowsOneValueAsItIs) {
  Settings settings;
  settings.name = "a folder: of mine";
  const ConfigFields fields = settings.fields();
  EXPECT_EQ(config_value(fields, "optimizer.name"), "a folder: of mine");
  EXPECT_EQ(config_value(fields, "train.fast"), "true");
  EXPECT_EQ(config_value(fields, "train.steps"), "10");
  EXPECT_THROW(config_value(fields, "train.stpes"), UserError);
}

TEST(Config, SuggestsTheNearestKnownKeyAndNamesTheLine) {
  EXPECT_THAT(message_of("train:\n  steps: 3\n  fsat: true\n"),
              ::testing::AllOf(HasSubstr("test.yaml:3"), HasSubstr("'train.fsat'"),
                               HasSubstr("did you mean 'train.fast'")));
  EXPECT_THAT(message_of("train:\n  rate: 0.5\n"), HasSubstr("did you mean 'optimizer.rate'"));
  EXPECT_THAT(message_of("zzzzzzzzzz: 1\n"), HasSubstr("--help-config"));
}

TEST(Config, RefusesWrongTypesLimitsChoicesAndDuplicates) {
  EXPECT_THAT(message_of("train: {steps: many}"), HasSubstr("must be a whole number"));
  EXPECT_THAT(message_of("train: {steps: 1.5}"), HasSubstr("must be a whole number"));
  EXPECT_THAT(message_of("train: {steps: 0}"), HasSubstr("at least 1"));
  EXPECT_THAT(message_of("optimizer: {rate: .nan}"), HasSubstr("finite"));
  EXPECT_THAT(message_of("optimizer: {name: sgd}"), HasSubstr("one of adamw, adam"));
  EXPECT_THAT(message_of("train: {fast: perhaps}"), HasSubstr("true or false"));
  EXPECT_THAT(message_of("train: {steps: 3, steps: 4}"), HasSubstr("twice"));
  EXPECT_THAT(message_of("train: 3"), HasSubstr("must hold settings"));
  EXPECT_THAT(message_of("- 1\n- 2\n"), HasSubstr("must hold settings"));
  EXPECT_THAT(message_of("a: [1"), HasSubstr("not valid YAML"));
}

TEST(Config, RefusesSmallFilesThatTakeMuchMemory) {
  EXPECT_THAT(message_of("tags: &a [x]\nother: *a\n"), HasSubstr("test.yaml:2: an alias"));
  EXPECT_THAT(message_of("tags: " + std::string(20, '[') + std::string(20, ']')),
              HasSubstr("nested deeper than 16"));
  message_of(std::string(100'000, '['));  // must not exhaust the stack
  message_of(std::string(10'000, '-'));
  EXPECT_THAT(message_of(std::string(2 << 20, ' ')), HasSubstr("larger than the limit"));
  EXPECT_THAT(message_of(std::string(1000, 'x') + ": 1"), HasSubstr("unknown key"));
}

TEST(Config, RefusesASettingGivenTwice) {
  EXPECT_THAT(message_of("train: {steps: 3}\ntrain.steps: 4\n"), HasSubstr("twice"));
  EXPECT_THAT(message_of("train: {steps: 3}\n---\ntrain: {steps: 4}\n"),
              HasSubstr("more than one document"));
}

TEST(Config, OverridesFromTheCommandLine) {
  Settings settings;
  ConfigFields fields = settings.fields();
  override_config(fields, "train.steps=7");
  override_config(fields, "tags=[x]");
  EXPECT_EQ(settings.steps, 7);
  EXPECT_THAT(settings.tags, ::testing::ElementsAre("x"));
  EXPECT_THROW(override_config(fields, "train.steps"), UserError);
  EXPECT_THROW(override_config(fields, "train.stesp=7"), UserError);
  EXPECT_THROW(override_config(fields, "train.steps=[1"), UserError);
}

TEST(Config, AnOverridesTextIsTakenAsItStands) {
  Settings settings;
  std::string folder;
  ConfigFields fields = settings.fields();
  fields.emplace_back("run.dir", &folder, "Folder");
  for (const char* value : {"runs/a #1", "a: b", "[x]", "null", "@x", "%x", "'quoted'", "- x", "*a",
                            "{", "", " a", "a=b", "010"}) {
    override_config(fields, std::string("run.dir=") + value);
    EXPECT_EQ(folder, value);
    // A resumed run reads it back from its own configuration.
    std::string again;
    ConfigFields again_fields;
    again_fields.emplace_back("run.dir", &again, "Folder");
    load_config_text(again_fields, config_text({fields.back()}, false), "again");
    EXPECT_EQ(again, value);
  }
}

TEST(Config, ATildeIsRefused) {
  EXPECT_THAT(message_of("optimizer: {name: ~/a}"), HasSubstr("one of"));
  Settings settings;
  std::string folder;
  ConfigFields fields = settings.fields();
  fields.emplace_back("run.dir", &folder, "Folder");
  EXPECT_THROW(override_config(fields, "run.dir=~/runs"), UserError);
  EXPECT_THROW(load_config_text(fields, "run: {dir: ~/runs}", "t"), UserError);
  override_config(fields, "run.dir=a~/b~");
  EXPECT_EQ(folder, "a~/b~");
}

TEST(Config, NumbersAreDecimal) {
  Settings settings;
  ConfigFields fields = settings.fields();
  for (const char* ten : {"10", "010", "0010", "1e1", "10.0", "+10"}) {
    settings.steps = 1;
    override_config(fields, std::string("train.steps=") + ten);
    EXPECT_EQ(settings.steps, 10) << ten;
    settings.steps = 1;
    load_config_text(fields, std::string("train: {steps: ") + ten + "}", "t");
    EXPECT_EQ(settings.steps, 10) << ten;
  }
  override_config(fields, "train.steps=08");
  EXPECT_EQ(settings.steps, 8);
  for (const char* other : {"0x10", "1_000", "1,000", "0o10", "1e0.5", "", "1.5", "10 #", "~"}) {
    EXPECT_THROW(override_config(fields, std::string("train.steps=") + other), UserError) << other;
  }
  EXPECT_THROW(override_config(fields, "optimizer.rate=0x1p-3"), UserError);
  EXPECT_THROW(override_config(fields, "optimizer.rate=0,5"), UserError);
}

TEST(Config, TextReadsBackAsTheSameSettings) {
  Settings settings;
  settings.rate = 1.0 / 3.0;
  settings.name = "adam";
  settings.tags = {"a: b", "#c", "\"q\""};
  settings.color = Color::kGreen;
  settings.shape = settings.shapes[1];
  ConfigFields fields = settings.fields();
  Settings again;
  ConfigFields again_fields = again.fields();
  load_config_text(again_fields, config_text(fields, true), "again");
  EXPECT_EQ(again.rate, settings.rate);
  EXPECT_EQ(again.name, settings.name);
  EXPECT_EQ(again.tags, settings.tags);
  EXPECT_EQ(again.color, settings.color);
  EXPECT_STREQ(again.shape.name, settings.shape.name);
  EXPECT_EQ(config_entries(again_fields), config_entries(fields));
}

}  // namespace
}  // namespace s2i
