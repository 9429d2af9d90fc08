#include "train/config/train_config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "temporary_folder.h"

namespace s2i {
namespace {

class TrainLength : public ::testing::Test {
 protected:
  LoopConfig loop(const std::string& file, std::vector<std::string> overrides) {
    std::ofstream(path_) << "data: {dir: d}\nmodel: {init: m}\nrun: {dir: r}\n" << file;
    return load_train_config(path_, overrides).loop;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "run.yaml";
};

TEST_F(TrainLength, MaxStepsOnTheCommandLineDecidesAlone) {
  for (const char* file : {"", "train: {epochs: 3}\n", "train: {epochs: 3, max_steps: 9}\n"}) {
    const LoopConfig decided = loop(file, {"train.max_steps=100"});
    EXPECT_EQ(decided.max_steps, 100) << file;
    EXPECT_EQ(decided.epochs, 0) << file;
  }
}

TEST_F(TrainLength, EpochsOnTheCommandLineDecideAlone) {
  const LoopConfig decided = loop("train: {max_steps: 9}\n", {"train.epochs=2"});
  EXPECT_EQ(decided.max_steps, 0);
  EXPECT_EQ(decided.epochs, 2);
}

TEST_F(TrainLength, MaxStepsOfTheFileDisablesTheDefaultEpochs) {
  const LoopConfig decided = loop("train: {max_steps: 9}\n", {});
  EXPECT_EQ(decided.max_steps, 9);
  EXPECT_EQ(decided.epochs, 0);
}

TEST_F(TrainLength, BothInOnePlaceAreKept) {
  for (const auto& decided : {loop("train: {epochs: 3, max_steps: 9}\n", {}),
                              loop("", {"train.epochs=3", "train.max_steps=9"})}) {
    EXPECT_EQ(decided.max_steps, 9);
    EXPECT_EQ(decided.epochs, 3);
  }
}

TEST_F(TrainLength, ZeroDisablesOnlyItself) {
  EXPECT_EQ(loop("train: {epochs: 3}\n", {"train.max_steps=0"}).epochs, 3);
  EXPECT_EQ(loop("train: {epochs: 3, max_steps: 9}\n", {"train.epochs=0"}).max_steps, 9);
}

}  // namespace
}  // namespace s2i
