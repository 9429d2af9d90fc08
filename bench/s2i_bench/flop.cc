#include "bench/s2i_bench/flop.h"

namespace s2i {
namespace {

/// A product of `forward` operations: what its backward pass takes.
double backward_of(double forward, bool weights_train, bool input_needs_gradient) {
  return forward * ((weights_train ? 1 : 0) + (input_needs_gradient ? 1 : 0));
}

}  // namespace

FlopCount& FlopCount::operator+=(const FlopCount& other) {
  feature_encoder += other.feature_encoder;
  projection += other.projection;
  positional_conv += other.positional_conv;
  layers += other.layers;
  head += other.head;
  return *this;
}

StepFlop& StepFlop::operator+=(const StepFlop& other) {
  forward += other.forward;
  backward += other.backward;
  return *this;
}

StepFlop utterance_flop(const ClassifierConfig& classifier, int64_t samples,
                        const FrozenParts& frozen, const std::vector<bool>& dropped) {
  const EncoderConfig& config = classifier.encoder;
  StepFlop flop;
  // As in freeze(): frozen layers take everything below them along.
  const bool below_layers_trains = frozen.lower_layers == 0;
  const bool encoder_trains = !frozen.feature_encoder && below_layers_trains;
  const auto width = static_cast<double>(config.hidden_size);

  double channels = 1;
  for (size_t i = 0; i < config.conv_dim.size(); ++i) {
    const auto out = static_cast<double>(config.conv_dim[i]);
    const auto kernel = static_cast<double>(config.conv_kernel[i]);
    const auto frames = static_cast<double>(config.frames_after(samples, i + 1));
    const double forward = 2 * frames * out * channels * kernel;
    flop.forward.feature_encoder += forward;
    flop.backward.feature_encoder += backward_of(forward, encoder_trains, encoder_trains && i > 0);
    channels = out;
  }

  const auto frames = static_cast<double>(config.frames(samples));
  flop.forward.projection = 2 * frames * channels * width;
  flop.backward.projection =
      backward_of(flop.forward.projection, below_layers_trains, encoder_trains);
  flop.forward.positional_conv =
      2 * frames * width * (width / static_cast<double>(config.num_conv_pos_embedding_groups)) *
      static_cast<double>(config.num_conv_pos_embeddings);
  flop.backward.positional_conv =
      backward_of(flop.forward.positional_conv, below_layers_trains, below_layers_trains);

  for (int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (!dropped.empty() && dropped[static_cast<size_t>(layer)]) continue;
    const double input =  // query, key, value and what the type adds
        6 * frames * width * width + frames * classifier.type.attention_flop_per_frame(config);
    const double attention = 4 * frames * frames * width;
    const double rest = 2 * frames * width * width +
                        4 * frames * width * static_cast<double>(config.intermediate_size);
    flop.forward.layers += input + attention + rest;
    if (layer < frozen.lower_layers) continue;
    const bool input_needs_gradient = below_layers_trains || layer > frozen.lower_layers;
    flop.backward.layers += backward_of(input, true, input_needs_gradient) + 2 * attention +
                            backward_of(rest, true, true);
  }

  const auto projector = static_cast<double>(classifier.classifier_proj_size);
  const double first = 2 * width * projector;
  const double second = 2 * projector * static_cast<double>(classifier.num_labels());
  flop.forward.head = first + second;
  const bool encoder_output_trains =
      frozen.lower_layers < config.num_hidden_layers || config.do_stable_layer_norm;
  flop.backward.head =
      backward_of(first, true, encoder_output_trains) + backward_of(second, true, true);
  return flop;
}

}  // namespace s2i
