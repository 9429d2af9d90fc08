#include "cluster/reduce/gradient_reducer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>
#include <unordered_set>

#include "cluster/reduce/buckets.h"
#include "core/error.h"

namespace s2i {

double ReduceStats::hidden_share() const {
  if (busy_seconds <= 0) return 1;
  return std::clamp(1 - exposed_seconds / busy_seconds, 0.0, 1.0);
}

/// Runs after the gradient of one parameter has been added to its view.
class GradientReducer::ReadyHook : public torch::autograd::FunctionPostHook {
 public:
  ReadyHook(GradientReducer& reducer, size_t slot) : reducer_(reducer), slot_(slot) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    reducer_.mark_ready(slot_);
    return outputs;
  }

 private:
  GradientReducer& reducer_;
  size_t slot_;
};

GradientReducer::GradientReducer(const std::vector<at::Tensor>& parameters,
                                 Communicator& communicator, const ReducerOptions& options)
    : flat_(parameters), communicator_(communicator), type_(options.type) {
  if (type_ == ReduceType::kBFloat16) {
    narrow_ = at::empty({flat_.size()}, flat_.gradients().options().dtype(at::kBFloat16));
  }
  make_buckets(options.bucket_mib);
  add_hooks();
}

GradientReducer::~GradientReducer() {
  for (size_t slot = 0; slot < hook_keys_.size(); ++slot) {
    accumulators_[slot]->del_post_hook(hook_keys_[slot]);
  }
}

void GradientReducer::make_buckets(double bucket_mib) {
  S2I_CHECK(bucket_mib > 0, "bucket of {} MiB", bucket_mib);
  const auto& slots = flat_.slots();
  std::vector<int64_t> sizes;  // with the padding behind each
  for (size_t slot = 0; slot < slots.size(); ++slot) {
    const int64_t end = slot + 1 < slots.size() ? slots[slot + 1].offset : flat_.size();
    sizes.push_back(end - slots[slot].offset);
  }
  const auto bucket_size = static_cast<int64_t>(bucket_mib * (1 << 20) / sizeof(float));
  for (const size_t parameters : cut_into_buckets(sizes, bucket_size)) {
    const size_t first = bucket_of_slot_.size();
    Bucket& bucket = buckets_.emplace_back();
    bucket.offset = slots[first].offset;
    bucket.parameters = static_cast<int>(parameters);
    for (size_t slot = first; slot < first + parameters; ++slot) {
      bucket.size += sizes[slot];
      bucket_of_slot_.push_back(buckets_.size() - 1);
    }
  }
}

void GradientReducer::add_hooks() {
  for (size_t slot = 0; slot < flat_.slots().size(); ++slot) {
    // The variable only has a weak reference to its accumulator: without ours it would be replaced
    // by a new one without the hook.
    auto accumulator = torch::autograd::impl::grad_accumulator(flat_.slots()[slot].parameter);
    hook_keys_.push_back(accumulator->add_post_hook(std::make_unique<ReadyHook>(*this, slot)));
    slot_of_accumulator_.emplace(accumulator.get(), slot);
    accumulators_.push_back(std::move(accumulator));
  }
}

void GradientReducer::zero() {
  S2I_CHECK(!reducing_, "zero() between begin(true) and finalize()");
  flat_.zero_gradients();
}

void GradientReducer::begin(bool reduce) {
  S2I_CHECK(!reducing_, "begin() after begin(true) without finalize()");
  flat_.check_views();
  reducing_ = reduce;
  if (!reduce) return;
  ready_.assign(flat_.slots().size(), false);
  for (auto& bucket : buckets_) bucket.missing = bucket.parameters;
  next_bucket_ = 0;
}

void GradientReducer::begin(bool reduce, const at::Tensor& loss) {
  begin(reduce);
  if (!reduce) return;
  std::vector<bool> used(flat_.slots().size(), false);
  std::unordered_set<const torch::autograd::Node*> seen;
  std::vector<const torch::autograd::Node*> open;
  const auto visit = [&](const torch::autograd::Node* node) {
    if (node != nullptr && seen.insert(node).second) open.push_back(node);
  };
  visit(loss.grad_fn().get());
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    if (const auto found = slot_of_accumulator_.find(node); found != slot_of_accumulator_.end()) {
      used[found->second] = true;
    }
    for (const auto& edge : node->next_edges()) visit(edge.function.get());
  }
  for (size_t slot = 0; slot < used.size(); ++slot) {
    if (used[slot]) continue;
    ready_[slot] = true;
    --buckets_[bucket_of_slot_[slot]].missing;
  }
  start_ready_buckets();
}

void GradientReducer::mark_ready(size_t slot) {
  if (!reducing_) return;
  auto& bucket = buckets_[bucket_of_slot_[slot]];
  S2I_CHECK(!ready_[slot] && !bucket.pending,
            "a gradient was computed after its bucket was reduced: two backward passes after "
            "begin(true)?");
  ready_[slot] = true;
  if (--bucket.missing == 0) start_ready_buckets();
}

void GradientReducer::start_ready_buckets() {
  while (next_bucket_ < buckets_.size() && buckets_[next_bucket_].missing == 0) {
    start_bucket(next_bucket_++);
  }
}

void GradientReducer::start_bucket(size_t index) {
  const at::NoGradGuard no_grad;
  auto& bucket = buckets_[index];
  auto part = flat_.gradients().narrow(0, bucket.offset, bucket.size);
  if (narrow_.defined()) {
    part = narrow_.narrow(0, bucket.offset, bucket.size).copy_(part);
  }
  bucket.pending = communicator_.start_all_reduce(
      part, ReduceOp::kSum, fmt::format("gradient bucket {} of {}", index, buckets_.size()));
}

ReduceStats GradientReducer::finalize() {
  S2I_CHECK(reducing_, "finalize() without begin(true)");
  reducing_ = false;
  const auto overlapped = static_cast<int>(next_bucket_);
  while (next_bucket_ < buckets_.size()) start_bucket(next_bucket_++);
  for (const auto& bucket : buckets_) bucket.pending->wait();
  if (narrow_.defined()) flat_.gradients().copy_(narrow_);
  return collect(overlapped);
}

ReduceStats GradientReducer::collect(int overlapped) {
  ReduceStats stats;
  stats.buckets = num_buckets();
  stats.overlapped_buckets = overlapped;
  stats.bytes = narrow_.defined() ? narrow_.nbytes() : flat_.gradients().nbytes();
  const auto add = [&stats](PendingCollective& pending) {
    const auto timing = pending.timing();
    if (!timing) return false;
    stats.busy_seconds += timing->busy;
    stats.arrival_seconds += timing->arrival;
    stats.exposed_seconds += timing->exposed;
    return true;
  };
  // On a GPU the timing is known only when the collective has completed: each step reports that of
  // the step before.
  for (const auto& pending : untimed_) add(*pending);
  untimed_.clear();
  for (auto& bucket : buckets_) {
    auto pending = std::move(bucket.pending);
    if (!flat_.gradients().is_cpu() || !add(*pending)) untimed_.push_back(std::move(pending));
  }
  return stats;
}

}  // namespace s2i
