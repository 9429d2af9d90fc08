#include "encoders/wavlm/config.h"

#include "nn/config_members.h"

namespace s2i {

void WavlmConfig::read(const Json& json, std::string_view where) {
  if (json_get_or<bool>(json, "add_adapter", false, where)) {
    throw UserError("{}: \"add_adapter\" is true; models with adapters are not supported", where);
  }
  read_members(json, *this, where);
}

void WavlmConfig::write(OrderedJson& json) const { write_members(*this, json); }

std::vector<std::string> WavlmConfig::shape_differences(const WavlmConfig& saved,
                                                        const WavlmConfig& wanted) {
  return member_differences(saved, wanted);
}

void WavlmConfig::check(const EncoderConfig& /*body*/, std::string_view where) const {
  check_range(where, "num_buckets", num_buckets, 4, 1 << 16);
  check_range(where, "max_bucket_distance", max_bucket_distance, num_buckets / 4 + 1, 1 << 20);
}

// Layer 0 computes the position bias of all layers in transformers, which never skips it.
void WavlmConfig::set_body(EncoderConfig& body) const { body.first_droppable_layer = 1; }

void WavlmConfig::set_shape(const std::string& shape, EncoderConfig& body) const {
  if (shape != "large") return;
  body.conv_bias = false;
  body.mask_time_prob = 0.075;
}

bool WavlmConfig::normalizes_audio(const std::string& shape) const { return shape == "large"; }

double WavlmConfig::approximate_parameters(const EncoderConfig& body) const {
  return static_cast<double>(num_buckets * body.num_attention_heads);
}

// The gate: for each head 8 outputs of head_dim inputs.
double WavlmConfig::attention_flop_per_frame(const EncoderConfig& body) const {
  return 16 * static_cast<double>(body.hidden_size);
}

}  // namespace s2i
