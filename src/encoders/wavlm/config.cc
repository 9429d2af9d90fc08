#include "encoders/wavlm/config.h"

namespace s2i {

void Wavlm::refuse_unsupported(const Json& json, std::string_view where) const {
  refuse_adapters(json, where);
}

void Wavlm::check(const EncoderConfig& /*body*/, std::string_view where) const {
  check_range(where, "num_buckets", num_buckets, 4, 1600);  // kMaxBuckets of ops/position_bias
  check_range(where, "max_bucket_distance", max_bucket_distance, num_buckets / 4 + 1, 1 << 20);
}

// Layer 0 computes the position bias of all layers in transformers, which never skips it.
void Wavlm::set_body(EncoderConfig& body) const { body.first_droppable_layer = 1; }

void Wavlm::set_shape(const std::string& shape, EncoderConfig& body) const {
  if (shape != "large") return;
  body.conv_bias = false;
  body.mask_time_prob = 0.075;
}

bool Wavlm::normalizes_audio(const std::string& shape) const { return shape == "large"; }

double Wavlm::approximate_parameters(const EncoderConfig& body) const {
  return static_cast<double>(num_buckets * body.num_attention_heads);
}

// The gate: for each head 8 outputs of head_dim inputs.
double Wavlm::attention_flop_per_frame(const EncoderConfig& body) const {
  return 16 * static_cast<double>(body.hidden_size);
}

}  // namespace s2i
