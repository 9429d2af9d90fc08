#include "train/config/model.h"

namespace s2i {
namespace {

constexpr std::array kAutoOrBool = {
    Choice<std::optional<bool>>{"auto", std::nullopt},
    Choice<std::optional<bool>>{"true", true},
    Choice<std::optional<bool>>{"false", false},
};

}  // namespace

void add_fields(ConfigFields& fields, ModelConfig& model) {
  fields
      .emplace_back("model.init", &model.init,
                    "Initial weights: a Hugging Face folder, or a hub name in the local cache")
      .may_change_on_resume();
  fields.push_back(choice_field("model.normalize", model.normalize, kAutoOrBool,
                                "Normalize each utterance to zero mean and unit variance; auto: as "
                                "preprocessor_config.json says"));
  fields.push_back(choice_field(
      "model.padding", model.padding, kPaddingChoices,
      "masked: padding does not change the logits; huggingface: as transformers with an "
      "attention_mask; huggingface_unmasked: as transformers without one"));
  fields.emplace_back("model.freeze_feature_encoder", &model.freeze_feature_encoder,
                      "Do not train the convolutional feature encoder");
  fields
      .emplace_back("model.freeze_layers", &model.freeze_layers,
                    "Do not train this many of the lowest transformer layers, nor anything below "
                    "them")
      .range(0, 1000);
  fields
      .emplace_back("model.dropout", &model.dropout,
                    "Rate of every dropout and of LayerDrop; -1: as config.json says")
      .range(-1, 0.99);
  fields.push_back(choice_field("model.spec_augment", model.spec_augment, kAutoOrBool,
                                "Mask time and feature spans in training (SpecAugment); auto: as "
                                "config.json says"));
  fields.push_back(choice_field("model.weighted_layer_sum", model.weighted_layer_sum, kAutoOrBool,
                                "Classify a learned weighted sum of all layers; auto: as "
                                "config.json says"));
  fields
      .emplace_back(
          "model.replace_head", &model.replace_head,
          "Start with a new classification head, even if the weights have one for the same "
          "intents; otherwise a head for other intents is an error")
      .may_change_on_resume();
}

}  // namespace s2i
