#include "ops/adam_update/adam_update_cuda.h"

#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <algorithm>

#include "ops/adam_update/adam_arguments.h"
#include "ops/cuda_launch.h"

namespace s2i {
namespace {

void adam_update_cuda(const at::Tensor& values, const at::Tensor& gradients,
                      const at::Tensor& exp_avg, const at::Tensor& exp_avg_sq,
                      const at::Tensor& steps, const at::Tensor& group, const at::Tensor& norm,
                      const at::Tensor& losses, const std::optional<at::Tensor>& narrow,
                      at::ArrayRef<double> weight_decay, double learning_rate, double beta1,
                      double beta2, double epsilon, double clip_norm, bool decoupled) {
  const AdamScalars scalars{learning_rate, beta1, beta2, epsilon, clip_norm, decoupled};
  AdamDecays decays{};
  decays.count = static_cast<int>(weight_decay.size());
  std::ranges::copy(weight_decay, decays.rate);
  const AdamPointers pointers{values.mutable_data_ptr<float>(),
                              gradients.const_data_ptr<float>(),
                              exp_avg.mutable_data_ptr<float>(),
                              exp_avg_sq.mutable_data_ptr<float>(),
                              steps.mutable_data_ptr<float>(),
                              group.const_data_ptr<uint8_t>(),
                              norm.const_data_ptr<float>(),
                              losses.const_data_ptr<float>(),
                              narrow ? narrow->mutable_data_ptr() : nullptr,
                              values.numel(),
                              losses.numel()};
  const at::Tensor plan =
      at::empty({static_cast<int64_t>(sizeof(AdamPlan))}, values.options().dtype(at::kByte));
  launch_on_device_of(values, "adam_update", [&](cudaStream_t stream) {
    return launch_adam_update(pointers, scalars, decays, plan.mutable_data_ptr(), stream);
  });
}

TORCH_LIBRARY_IMPL(s2i, CUDA, library) { library.impl("adam_update", &adam_update_cuda); }

}  // namespace
}  // namespace s2i
