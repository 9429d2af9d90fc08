#include "report/predictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

PredictedUtterance said(double probability, bool right, double loss = 0) {
  return {"id", "speaker", "a", right ? "a" : "b", probability, loss};
}

TEST(RiskCoverage, IsTheErrorOfTheSurestUtterances) {
  const RiskCoverage curve =
      risk_coverage({said(0.6, false), said(0.9, true), said(0.7, true), said(0.5, false)}, 100);
  EXPECT_THAT(curve.coverage, ElementsAre(0.25, 0.5, 0.75, 1));
  EXPECT_THAT(curve.risk, ElementsAre(0, 0, DoubleEq(1.0 / 3), 0.5));
  EXPECT_DOUBLE_EQ(curve.area, (0 + 0 + 1.0 / 3 + 0.5) / 4);
}

TEST(RiskCoverage, UtterancesOfEqualProbabilityAreRejectedTogether) {
  const std::vector<PredictedUtterance> one_way = {said(0.9, true), said(0.5, true),
                                                   said(0.5, false)};
  const std::vector<PredictedUtterance> other_way = {said(0.5, false), said(0.5, true),
                                                     said(0.9, true)};
  for (const auto& utterances : {one_way, other_way}) {
    const RiskCoverage curve = risk_coverage(utterances, 100);
    EXPECT_THAT(curve.coverage, ElementsAre(DoubleEq(1.0 / 3), 1));
    EXPECT_THAT(curve.risk, ElementsAre(0, DoubleEq(1.0 / 3)));
    EXPECT_DOUBLE_EQ(curve.area, (1.0 / 3) * (2.0 / 3));
  }
}

TEST(RiskCoverage, EndsAtAllUtterancesHoweverFewPointsThereAre) {
  std::vector<PredictedUtterance> utterances;
  for (int i = 0; i < 1000; ++i) utterances.push_back(said(1.0 / (i + 1), i % 10 != 0));
  const RiskCoverage curve = risk_coverage(utterances, 30);
  EXPECT_LE(curve.coverage.size(), 40);
  EXPECT_GE(curve.coverage.size(), 25);
  EXPECT_EQ(curve.coverage.back(), 1);
  EXPECT_EQ(curve.risk.back(), 0.1);
  EXPECT_THAT(risk_coverage({}, 30).coverage, ElementsAre());
}

TEST(WorstUtterances, HaveTheHighestLoss) {
  const auto worst =
      worst_utterances({said(0.5, true, 1), said(0.5, true, 3), said(0.5, true, 2)}, 2);
  ASSERT_EQ(worst.size(), 2);
  EXPECT_EQ(worst[0].loss, 3);
  EXPECT_EQ(worst[1].loss, 2);
}

TEST(Predictions, AreReadByColumnName) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "predictions.csv";
  write_file_atomic(file,
                    "loss,id,more,speaker,label,predicted,probability\n"
                    "0.25,\"a,1\",x,5,\"say \"\"hi\"\"\",greet,0.75\n");
  const auto read = read_predictions(file);
  ASSERT_EQ(read.size(), 1);
  EXPECT_EQ(read[0].id, "a,1");
  EXPECT_EQ(read[0].label, "say \"hi\"");
  EXPECT_EQ(read[0].predicted, "greet");
  EXPECT_EQ(read[0].probability, 0.75);
  EXPECT_EQ(read[0].loss, 0.25);
}

TEST(Predictions, ThatAreNotValidAreNamed) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "predictions.csv";
  const auto rejects = [&](const std::string& text, const std::string& part) {
    write_file_atomic(file, text);
    EXPECT_THAT([&] { read_predictions(file); },
                ThrowsMessage<UserError>(HasSubstr(file.string() + part)));
  };
  rejects("id,speaker,label,predicted,probability,loss\n1,2,a,b,0.5,much\n",
          ": line 2: loss is 'much' but must be a number");
  rejects("id,speaker,label,predicted,probability,loss\n1,2,a\n",
          ": line 2: 3 fields, but the header has 6");
  rejects("id,speaker,label,predicted,loss\n1,2,a,b,0.5\n", "");
}

}  // namespace
}  // namespace s2i
