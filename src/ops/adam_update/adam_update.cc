#include "ops/adam_update/adam_update.h"

#include <torch/library.h>

#include "core/error.h"
#include "ops/adam_update/adam_arguments.h"
#include "ops/operation.h"

namespace s2i {
namespace {

void check(const AdamTensors& t, const AdamSettings& settings) {
  const int64_t count = t.values.numel();
  const auto is = [&](const at::Tensor& tensor, at::ScalarType type, int64_t size) {
    return tensor.scalar_type() == type && tensor.numel() == size && tensor.is_contiguous() &&
           tensor.device() == t.values.device();
  };
  S2I_CHECK(count % kUpdateUnit == 0, "{} elements", count);
  for (const auto& tensor : {t.values, t.gradients, t.exp_avg, t.exp_avg_sq}) {
    S2I_CHECK(is(tensor, at::kFloat, count), "flat buffers are float32 of one size");
  }
  S2I_CHECK(is(t.steps, at::kFloat, 1) && is(t.norm, at::kFloat, 1));
  S2I_CHECK(is(t.group, at::kByte, count / kUpdateUnit));
  S2I_CHECK(is(t.losses, at::kFloat, t.losses.numel()));
  S2I_CHECK(!t.narrow.defined() || is(t.narrow, at::kBFloat16, count));
  S2I_CHECK(!settings.weight_decay.empty() && settings.weight_decay.size() <= kMaxUpdateGroups,
            "{} groups", settings.weight_decay.size());
}

void adam_update_meta(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                      const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                      const std::optional<at::Tensor>&, at::ArrayRef<double>, double, double,
                      double, double, double, bool) {}

TORCH_LIBRARY_FRAGMENT(s2i, library) {
  library.def(
      "adam_update(Tensor(a!) values, Tensor gradients, Tensor(b!) exp_avg, "
      "Tensor(c!) exp_avg_sq, Tensor(d!) steps, Tensor group, Tensor norm, Tensor losses, "
      "Tensor(e!)? narrow, float[] weight_decay, float learning_rate, float beta1, float beta2, "
      "float epsilon, float clip_norm, bool decoupled) -> ()");
}
TORCH_LIBRARY_IMPL(s2i, Meta, library) { library.impl("adam_update", &adam_update_meta); }

}  // namespace

void adam_update(const AdamTensors& t, const AdamSettings& settings) {
  check(t, settings);
  static const auto operation = find_operation<AdamKernel>("s2i::adam_update");
  const auto narrow = t.narrow.defined() ? std::make_optional(t.narrow) : std::nullopt;
  operation.call(t.values, t.gradients, t.exp_avg, t.exp_avg_sq, t.steps, t.group, t.norm, t.losses,
                 narrow, settings.weight_decay, settings.learning_rate, settings.beta1,
                 settings.beta2, settings.epsilon, settings.clip_norm, settings.decoupled);
}

}  // namespace s2i
