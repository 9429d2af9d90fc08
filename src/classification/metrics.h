// Counts of a classifier's predictions, from which all metrics (metrics/list.h) are computed: plain
// arithmetic, no tensors. Definitions as in scikit-learn (precision_recall_fscore_support,
// zero_division=0), which the tests compare with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

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
  double loss = 0;                              ///< Mean cross entropy.
  std::vector<IntentMetrics> per_intent;        ///< [C]
  std::vector<std::vector<int64_t>> confusion;  ///< [C label][C predicted]
};

/// `num_intents` is C. Order does not matter: the same predictions give the same metrics to the
/// bit.
ClassificationMetrics compute_metrics(std::vector<Prediction> predictions, int64_t num_intents);

/// part / whole, or 0 if `whole` is 0.
double ratio(int64_t part, int64_t whole);

/// 95% Wilson score interval of a proportion.
std::pair<double, double> wilson_interval(int64_t correct, int64_t count);

struct Confusion {
  int64_t label = 0;
  int64_t predicted = 0;
  int64_t count = 0;
};

/// The most frequent mistakes, at most `limit`.
std::vector<Confusion> top_confusions(const ClassificationMetrics& metrics, size_t limit);

}  // namespace s2i
