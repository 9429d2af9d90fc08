#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "ops/adam_update/adam_arguments.h"
#include "ops/adam_update/adam_range.h"
#include "ops/adam_update/adam_update.h"

namespace s2i {
namespace {

constexpr int64_t kUnitsPerTask = 4096;

bool all_finite(const at::Tensor& tensor) {
  const std::span values(tensor.const_data_ptr<float>(), static_cast<size_t>(tensor.numel()));
  return std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
}

void adam_update_cpu(const at::Tensor& values, const at::Tensor& gradients,
                     const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                     const at::Tensor& steps, const at::Tensor& group, const at::Tensor& norm,
                     const at::Tensor& losses, const std::optional<at::Tensor>& narrow,
                     at::ArrayRef<double> weight_decay, double learning_rate, double beta1,
                     double beta2, double epsilon, double clip_norm, bool decoupled) {
  if (!all_finite(norm) || !all_finite(losses)) return;
  float& count = *steps.mutable_data_ptr<float>();
  count += 1;
  const AdamScalars scalars{learning_rate, beta1, beta2, epsilon, clip_norm, decoupled};
  const AdamRule rule = adam_rule(scalars, *norm.const_data_ptr<float>(), count);
  std::vector<float> decay;
  for (const double rate : weight_decay) decay.push_back(adam_decay(scalars, rate));

  const uint8_t* group_of = group.const_data_ptr<uint8_t>();
  const AdamRange all{gradients.const_data_ptr<float>(),
                      values.mutable_data_ptr<float>(),
                      exp_avg.mutable_data_ptr<float>(),
                      exp_avg_sq.mutable_data_ptr<float>(),
                      narrow ? static_cast<uint16_t*>(narrow->mutable_data_ptr()) : nullptr,
                      values.numel()};
  at::parallel_for(0, group.numel(), kUnitsPerTask, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      int64_t next = begin + 1;
      while (next < end && group_of[next] == group_of[begin]) ++next;
      const int64_t first = begin * kUpdateUnit;
      adam_range(
          rule, decoupled, decay[group_of[begin]],
          {all.gradient + first, all.value + first, all.exp_avg + first, all.exp_avg_sq + first,
           all.narrow == nullptr ? nullptr : all.narrow + first, (next - begin) * kUpdateUnit});
      begin = next;
    }
  });
}

TORCH_LIBRARY_IMPL(s2i, CPU, library) { library.impl("adam_update", &adam_update_cpu); }

}  // namespace
}  // namespace s2i
