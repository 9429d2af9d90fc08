// How a forward pass treats padding and in what type it computes.
#pragma once

#include <array>

#include "core/choices.h"
#include "nn/forward_pass.h"

namespace s2i {

enum class Padding {
  kMasked,             ///< An utterance gives the same logits alone and in a padded batch.
  kHuggingFace,        ///< As transformers with an attention_mask.
  kHuggingFaceNoMask,  ///< As transformers without an attention_mask.
};
inline constexpr std::array kPaddingChoices = {
    Choice<Padding>{"masked", Padding::kMasked},
    Choice<Padding>{"huggingface", Padding::kHuggingFace},
    Choice<Padding>{"huggingface_unmasked", Padding::kHuggingFaceNoMask},
};

/// The type of activations and matrix products.
enum class Precision { kFloat32, kBFloat16 };
inline constexpr std::array kPrecisionChoices = {
    Choice<Precision>{"fp32", Precision::kFloat32},
    Choice<Precision>{"bf16", Precision::kBFloat16},
};

ForwardOptions forward_options(Padding padding, Precision precision);

}  // namespace s2i
