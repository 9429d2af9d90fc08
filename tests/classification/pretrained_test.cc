#include "classification/pretrained.h"

#include <ATen/Functions.h>
#include <c10/core/GradMode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "core/error.h"
#include "model_testing.h"
#include "temporary_folder.h"
#include "weights/model_weights.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr PreprocessorConfig kPreprocessor{16000, false, true};

class Pretrained : public ::testing::Test {
 protected:
  Pretrained() : model_(make_model(small_config())) {
    save_pretrained(dir(), *model_, kPreprocessor);
  }

  const fs::path& dir() const { return folder_.path(); }
  fs::path weights() const { return dir() / "model.safetensors"; }

  std::unique_ptr<IntentClassifier> load(const LoadSettings& settings = {}) {
    return load_pretrained(dir(), at::kCPU, settings, report_);
  }
  std::string refusal(const LoadSettings& settings = {}) {
    try {
      load(settings);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }
  /// Rewrites the weights.
  void change(const std::function<void(NamedTensors&)>& edit) {
    NamedTensors tensors = read_safetensors(weights()).tensors;
    edit(tensors);
    write_safetensors(weights(), tensors);
  }
  at::Tensor logits(const IntentClassifier& model) {
    const c10::NoGradGuard no_grad;
    const TestBatch batch({4000, 6000});
    return model.forward(batch.audio, batch.lengths, {});
  }

  TemporaryFolder folder_;
  std::unique_ptr<IntentClassifier> model_;
  LoadReport report_;
};

void drop(NamedTensors& tensors, const std::string& start) {
  std::erase_if(tensors, [&](const auto& entry) { return entry.name.starts_with(start); });
}

TEST_F(Pretrained, WhatIsSavedIsLoaded) {
  const auto loaded = load();
  EXPECT_TRUE(logits(*loaded).equal(logits(*model_)));
  EXPECT_THAT(report_.initialized, IsEmpty());
  EXPECT_THAT(report_.ignored, IsEmpty());
  EXPECT_EQ(report_.source, weights().string());
  EXPECT_EQ(loaded->config().labels, small_config().labels);
  EXPECT_FALSE(load_preprocessor(dir()).do_normalize);
}

TEST_F(Pretrained, ABareEncoderGetsANewHead) {
  change([](NamedTensors& tensors) {
    drop(tensors, "projector");
    drop(tensors, "classifier");
    for (auto& [name, tensor] : tensors) name = name.substr(std::string("wavlm.").size());
    tensors.emplace_back("lm_head.weight", at::ones({2, 2}));
  });
  const auto loaded = load({.intents = {"w", "x", "y", "z"}, .seed = 3});
  EXPECT_THAT(report_.initialized, ElementsAre("projector.weight", "projector.bias",
                                               "classifier.weight", "classifier.bias"));
  EXPECT_THAT(report_.ignored, ElementsAre("lm_head.weight"));
  EXPECT_EQ(loaded->config().num_labels(), 4);
  EXPECT_TRUE(logits(*loaded).equal(logits(*load({.intents = {"w", "x", "y", "z"}, .seed = 3}))));
}

TEST_F(Pretrained, OldNamesOfTheWeightNorm) {
  change([](NamedTensors& tensors) {
    for (auto& [name, tensor] : tensors) {
      const std::string start = "wavlm.encoder.pos_conv_embed.conv.";
      if (name == start + "parametrizations.weight.original0") name = start + "weight_g";
      if (name == start + "parametrizations.weight.original1") name = start + "weight_v";
    }
  });
  EXPECT_TRUE(logits(*load()).equal(logits(*model_)));
  EXPECT_THAT(report_.initialized, IsEmpty());
}

TEST_F(Pretrained, Shards) {
  NamedTensors first = read_safetensors(weights()).tensors, second;
  second.assign(first.begin() + 20, first.end());
  first.resize(20);
  fs::remove(weights());
  write_safetensors(dir() / "model-1.safetensors", first);
  write_safetensors(dir() / "model-2.safetensors", second);
  OrderedJson map;
  for (const auto& [name, tensor] : first) map[name] = "model-1.safetensors";
  for (const auto& [name, tensor] : second) map[name] = "model-2.safetensors";
  write_json(dir() / "model.safetensors.index.json", {{"weight_map", map}});
  EXPECT_TRUE(logits(*load()).equal(logits(*model_)));

  fs::remove(dir() / "model-2.safetensors");
  EXPECT_THAT(refusal(), HasSubstr("model-2.safetensors, which is missing"));
  write_safetensors(dir() / "model-2.safetensors", {});
  EXPECT_THAT(refusal(), HasSubstr("which its index places there"));
  map["classifier.bias"] = "../model-1.safetensors";
  write_json(dir() / "model.safetensors.index.json", {{"weight_map", map}});
  EXPECT_THAT(refusal(), HasSubstr("is no file name"));
}

TEST_F(Pretrained, NamesMissingAndMisshapenTensors) {
  change([](NamedTensors& tensors) { drop(tensors, "wavlm.encoder.layers.1.attention.k_proj.w"); });
  EXPECT_THAT(refusal(), HasSubstr("lacks 1 of the model's tensors: "
                                   "wavlm.encoder.layers.1.attention.k_proj.weight"));
  save_pretrained(dir(), *model_, kPreprocessor);
  change([](NamedTensors& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name == "wavlm.encoder.layer_norm.weight") tensor = at::ones({31});
    }
  });
  EXPECT_THAT(refusal(), HasSubstr("wavlm.encoder.layer_norm.weight is Float 31 and should be 32"));
  save_pretrained(dir(), *model_, kPreprocessor);
  change([](NamedTensors& tensors) { drop(tensors, "wavlm.masked_spec_embed"); });
  EXPECT_EQ(refusal(), "");
  EXPECT_THAT(report_.initialized, ElementsAre("wavlm.masked_spec_embed"));
}

TEST_F(Pretrained, AHeadForOtherIntents) {
  EXPECT_THAT(refusal({.intents = {"1", "2"}}),
              HasSubstr("a head for 3 intents, and 2 are wanted"));
  EXPECT_THAT(refusal({.intents = {"a", "c", "b"}}),
              HasSubstr("its number 1 is \"b\", and \"c\" is wanted"));
  EXPECT_EQ(refusal({.intents = {"a", "b", "c"}}), "");
  EXPECT_EQ(refusal({.intents = {"1", "2"}, .new_head = true}), "");
  EXPECT_THAT(report_.initialized, SizeIs(4));
}

TEST_F(Pretrained, AHeadForTheSameIntentsIsReplacedOnRequest) {
  const std::vector<std::string> same = {"a", "b", "c"};
  const auto kept = load({.intents = same});
  EXPECT_THAT(report_.initialized, IsEmpty());
  const auto replaced = load({.intents = same, .new_head = true, .seed = 5});
  EXPECT_THAT(report_.initialized, SizeIs(4));
  EXPECT_FALSE(logits(*replaced).equal(logits(*kept)));
}

TEST_F(Pretrained, AHeadWithoutNamesFitsOnlyInTheirOrder) {
  save_pretrained(dir(), *model_, kPreprocessor, {"LABEL_0", "LABEL_1", "LABEL_2"});
  EXPECT_EQ(refusal({.intents = {"x", "y", "z"}}), "");
  save_pretrained(dir(), *model_, kPreprocessor, {"LABEL_1", "LABEL_0", "LABEL_2"});
  EXPECT_THAT(refusal({.intents = {"x", "y", "z"}}), HasSubstr("a head for other intents"));
}

TEST_F(Pretrained, NamesWeightsThatAreNotFinite) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  change([&](NamedTensors& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name == "classifier.bias") tensor[1].fill_(nan);
      if (name == "wavlm.encoder.layer_norm.weight") tensor.slice(0, 3, 5).fill_(-infinity);
    }
  });
  EXPECT_THAT(refusal(), HasSubstr("model.safetensors has NaN or infinite values in 2 tensors: "));
  EXPECT_THAT(refusal(), HasSubstr("wavlm.encoder.layer_norm.weight (2 of 32 values)"));
  EXPECT_THAT(refusal(), HasSubstr("classifier.bias (1 of 3 values)"));
  EXPECT_EQ(refusal({.allow_nonfinite = true}), "");
  // Only the tensors that are used count.
  EXPECT_THAT(refusal({.new_head = true}), HasSubstr("in 1 tensors"));
}

TEST_F(Pretrained, NamesWeightsThatDoNotFitFloat32) {
  change([](NamedTensors& tensors) {
    for (auto& [name, tensor] : tensors) {
      if (name == "classifier.bias") tensor = at::full({3}, 1e300, at::kDouble);
    }
  });
  EXPECT_THAT(refusal(), HasSubstr("classifier.bias (3 of 3 values)"));
}

TEST_F(Pretrained, NamesThePrefixOfAWrapper) {
  const auto with_prefix = [&](const std::string& prefix, bool bare) {
    save_pretrained(dir(), *model_, kPreprocessor);
    change([&](NamedTensors& tensors) {
      for (auto& [name, tensor] : tensors) {
        if (bare && name.starts_with("wavlm.")) name.erase(0, std::string("wavlm.").size());
        name = prefix + name;
      }
    });
    return refusal();
  };
  for (const bool bare : {false, true}) {
    EXPECT_THAT(with_prefix("module.", bare),
                HasSubstr("begin with \"module.\", which torch.nn.DataParallel adds"));
    EXPECT_THAT(with_prefix("_orig_mod.", bare), HasSubstr("which torch.compile adds"));
    EXPECT_THAT(with_prefix("model.", bare), HasSubstr("begin with \"model.\""));
    EXPECT_THAT(with_prefix("other.", bare), testing::Not(HasSubstr("begin with")));
  }
}

TEST_F(Pretrained, NamesGitLfsPointers) {
  const std::string pointer =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0123456789abcdef\nsize 378352482\n";
  std::ofstream(weights()) << pointer;
  EXPECT_THAT(refusal(), HasSubstr("model.safetensors: a Git LFS pointer instead of the file"));
  fs::remove(weights());
  std::ofstream(dir() / "pytorch_model.bin") << pointer;
  EXPECT_THAT(refusal(), HasSubstr("pytorch_model.bin: a Git LFS pointer"));
  fs::remove(dir() / "pytorch_model.bin");
  std::ofstream(dir() / "model.safetensors.index.json") << pointer;
  EXPECT_THAT(refusal(), HasSubstr("index.json: a Git LFS pointer"));
  std::ofstream(dir() / "config.json") << pointer;
  EXPECT_THAT(refusal(), HasSubstr("config.json: a Git LFS pointer"));
}

TEST_F(Pretrained, NamesWhatIsNotThere) {
  fs::resize_file(weights(), fs::file_size(weights()) - 100);
  EXPECT_THAT(refusal(), HasSubstr("may be cut short"));
  fs::remove(weights());
  EXPECT_THAT(refusal(), HasSubstr("has no weights"));
  std::ofstream(dir() / "pytorch_model.bin") << "not a zip";
  EXPECT_THAT(refusal(), HasSubstr("not a zip archive"));
  std::ofstream(dir() / "pytorch_model.bin") << "PK\x03\x04 cut short";
  EXPECT_THAT(refusal(), HasSubstr("may be cut short"));
  fs::remove(dir() / "config.json");
  EXPECT_THAT(refusal(), HasSubstr("no config.json"));
  fs::remove(dir() / "preprocessor_config.json");
  EXPECT_THROW(load_preprocessor(dir()), UserError);
}

TEST_F(Pretrained, OneDropoutForAll) {
  const auto loaded = load({.dropout = 0.0});
  EXPECT_EQ(loaded->config().encoder.hidden_dropout, 0);
  EXPECT_EQ(loaded->config().encoder.layerdrop, 0);
  EXPECT_THROW(load({.dropout = 1.0}), UserError);
}

TEST_F(Pretrained, IntentsAreSaved) {
  save_pretrained(dir(), *model_, kPreprocessor, {"x", "y", "z"});
  EXPECT_EQ(load()->config().labels, (std::vector<std::string>{"x", "y", "z"}));
}

}  // namespace
}  // namespace s2i
