#include "nn/forward_pass.h"

#include <ATen/Functions.h>

#include "core/error.h"
#include "nn/host_copy.h"

namespace s2i {

ForwardPass begin_pass(const EncoderConfig& config, const ForwardOptions& options,
                       const at::Tensor& audio, std::span<const int64_t> lengths) {
  S2I_CHECK(audio.dim() == 2 && audio.scalar_type() == at::kFloat);
  S2I_CHECK(static_cast<int64_t>(lengths.size()) == audio.size(0), "{} lengths of {} utterances",
            lengths.size(), audio.size(0));
  S2I_CHECK(options.compute_type == at::kFloat || options.compute_type == at::kBFloat16);
  const at::Device device = audio.device();
  ForwardPass pass{config, options, device, audio.size(1), {}, {}, 0, {}, {}, {}};
  pass.max_frames = config.frames(audio.size(1));
  const bool padding_is_audio = !options.masked && !options.use_attention_mask;
  bool padded = false;
  for (const int64_t length : lengths) {
    S2I_CHECK(length <= audio.size(1), "{} of {} samples", length, audio.size(1));
    pass.samples.push_back(padding_is_audio ? audio.size(1) : length);
    pass.frames.push_back(config.frames(pass.samples.back()));
    if (pass.frames.back() < 1) {
      throw UserError("an utterance of {} samples; the model needs {} for one frame", length,
                      config.min_samples());
    }
    padded = padded || pass.frames.back() < pass.max_frames;
  }
  if (padded) {
    pass.device_frames = copy_to_device(at::tensor(pass.frames, at::kLong), device);
    const at::Tensor frame = at::arange(pass.max_frames, pass.device_frames.options());
    pass.frame_mask = frame.view({1, -1, 1}).lt(pass.device_frames.view({-1, 1, 1}));
  }
  if (options.training) {
    S2I_CHECK(options.utterance_keys.size() == pass.samples.size());
    std::vector<int64_t> keys(options.utterance_keys.begin(), options.utterance_keys.end());
    pass.keys = copy_to_device(at::tensor(keys, at::kLong), device);
  }
  return pass;
}

}  // namespace s2i
