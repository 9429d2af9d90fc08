// WavLM (Chen et al., arXiv 2110.13900): what its config.json has beyond the shared body.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "encoders/encoder.h"

namespace s2i {

/// Field names, meanings and defaults are those of transformers' configuration_wavlm.py.
struct Wavlm : Encoder {
  static constexpr std::string_view kModelType = "wavlm";
  static constexpr std::string_view kClassName = "WavLM";

  int64_t num_buckets = 320;          ///< of the relative position bias
  int64_t max_bucket_distance = 800;  ///< frames

  template <typename Config, typename Visitor>
  static void visit_shape(Config& c, Visitor&& visit) {
    visit("num_buckets", c.num_buckets);
    visit("max_bucket_distance", c.max_bucket_distance);
  }

  void refuse_unsupported(const Json& json, std::string_view where) const;
  void check(const EncoderConfig& body, std::string_view where) const;
  void set_body(EncoderConfig& body) const;
  void set_shape(const std::string& shape, EncoderConfig& body) const;
  bool normalizes_audio(const std::string& shape) const;
  double approximate_parameters(const EncoderConfig& body) const;
  double attention_flop_per_frame(const EncoderConfig& body) const;
  std::unique_ptr<EncoderParts> make_parts(const EncoderConfig& body) const;
};

}  // namespace s2i
