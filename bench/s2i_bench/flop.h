// How many floating-point operations a training step takes, counted from the model's shape.
#pragma once

#include <cstdint>
#include <vector>

#include "classification/classifier_config.h"

namespace s2i {

/// Operations of one utterance; a multiply and an add are two. What is counted are the products
/// (convolutions, linear layers, attention), as everybody counts them; norms, activations, softmax
/// and the position bias are left out (about 1% in Base).
struct FlopCount {
  double feature_encoder = 0;
  double projection = 0;
  double positional_conv = 0;
  double layers = 0;
  double head = 0;

  double total() const { return feature_encoder + projection + positional_conv + layers + head; }
  FlopCount& operator+=(const FlopCount& other);
};

/// Which parts train; as IntentClassifier::freeze takes them.
struct FrozenParts {
  bool feature_encoder = false;
  int64_t lower_layers = 0;
};

struct StepFlop {
  FlopCount forward;
  FlopCount backward;

  double total() const { return forward.total() + backward.total(); }
  StepFlop& operator+=(const StepFlop& other);
};

/// One utterance of `samples`. With F frames at the output, F_i after convolution i, widths C_i and
/// kernels K_i, hidden width D, inner width I, positional kernel K in G groups, P and N outputs of
/// the head, forward is
///
///   feature encoder   sum_i 2 F_i C_i C_{i-1} K_i         (C_{-1} = 1)
///   projection        2 F C D
///   positional conv   2 F D (D / G) K
///   layers            each 8 F D^2 + 4 F^2 D + 4 F D I, and what the encoder type adds per frame
///   head              2 D P + 2 P N                       (of the mean over frames)
///
/// and backward, for each product, the same once for the gradient of its weights, where they train,
/// and once for that of its input, where something below trains; for the two products of attention
/// twice. `dropped`, if not empty, says which layers LayerDrop skips.
StepFlop utterance_flop(const ClassifierConfig& config, int64_t samples, const FrozenParts& frozen,
                        const std::vector<bool>& dropped = {});

}  // namespace s2i
