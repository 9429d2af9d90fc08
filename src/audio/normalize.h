// Zero-mean, unit-variance normalization per utterance, as in Hugging Face's
// Wav2Vec2FeatureExtractor with do_normalize (zero_mean_unit_var_norm).
#pragma once

#include <span>

namespace s2i {

/// x <- (x - mean) / sqrt(variance + 1e-7), with the population variance, accumulated in double.
/// Pass the samples of one utterance without padding.
void normalize(std::span<float> samples);

}  // namespace s2i
