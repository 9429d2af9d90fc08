// Figures of a classifier from its predictions: plain arithmetic, no tensors. Definitions as in
// scikit-learn (precision_recall_fscore_support, zero_division=0), which the tests compare with.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/json.h"

namespace s2i {

/// What the model said about one utterance.
struct Prediction {
  uint32_t utterance = 0;  ///< Index into the data set.
  int64_t label = 0;
  int64_t predicted = 0;
  double loss = 0;            ///< Cross entropy of this utterance, in nats.
  std::vector<float> logits;  ///< [C]
};

struct IntentMetrics {
  int64_t support = 0;    ///< Utterances that have this label.
  int64_t predicted = 0;  ///< Utterances that got this label.
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

struct ClassificationMetrics {
  int64_t count = 0;
  int64_t correct = 0;
  double loss = 0;  ///< Mean cross entropy.
  double accuracy = 0;
  std::pair<double, double> accuracy_interval;  ///< 95% Wilson score interval.
  double f1_weighted = 0;                       ///< Weighted by support.
  double f1_macro = 0;  ///< Mean over the intents that occur as label or prediction.
  std::vector<IntentMetrics> per_intent;        ///< [C]
  std::vector<std::vector<int64_t>> confusion;  ///< [C label][C predicted]
};

/// `num_intents` is C. Order does not matter: the same predictions give the same figures to the
/// bit.
ClassificationMetrics compute_metrics(std::vector<Prediction> predictions, int64_t num_intents);

/// 95% Wilson score interval of a share.
std::pair<double, double> wilson_interval(int64_t correct, int64_t count);

/// The value of "accuracy", "f1_weighted", "f1_macro", or the loss negated: higher is better.
double metric_value(const ClassificationMetrics& figures, const std::string& metric);

struct Confusion {
  int64_t label = 0;
  int64_t predicted = 0;
  int64_t count = 0;
};

/// The most frequent mistakes, at most `limit`.
std::vector<Confusion> top_confusions(const ClassificationMetrics& figures, size_t limit);

}  // namespace s2i
