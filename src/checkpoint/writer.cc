#include "checkpoint/writer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "core/clock.h"
#include "core/error.h"

namespace s2i {
namespace {

/// Copies into memory of the same shapes if `to` has it, into new (pinned for a GPU) if not. Copies
/// from a GPU are under way on return; `device` is then the GPU.
void start_copies(const NamedTensors& from, NamedTensors& to, std::optional<at::Device>& device) {
  to.resize(from.size());
  for (size_t i = 0; i < from.size(); ++i) {
    const at::Tensor source = from[i].tensor.detach();
    at::Tensor& target = to[i].tensor;
    to[i].name = from[i].name;
    if (!target.defined() || target.sizes() != source.sizes() ||
        target.scalar_type() != source.scalar_type()) {
      const auto options = at::TensorOptions().dtype(source.scalar_type());
      target = at::empty(source.sizes(), options.pinned_memory(source.is_cuda()));
    }
    target.copy_(source, /*non_blocking=*/true);
    if (!source.is_cpu()) device = source.device();
  }
}

/// Fills `copy`, whose memory is reused, with host copies of all tensors.
void copy_to_host(const CheckpointContent& content, CheckpointContent& copy) {
  const at::NoGradGuard no_grad;
  copy.step = content.step;
  copy.is_best = content.is_best;
  copy.run_state = content.run_state;
  std::optional<at::Device> device;
  start_copies(content.model, copy.model, device);
  start_copies(content.optimizer, copy.optimizer, device);
  if (device) {
    const c10::impl::VirtualGuardImpl guard(device->type());
    guard.synchronizeStream(guard.getStream(*device));
  }
}

}  // namespace

CheckpointWriter::CheckpointWriter(CheckpointStore& store, CheckpointWriterSettings settings,
                                   Write write)
    : store_(store), settings_(settings), write_(std::move(write)) {
  if (settings_.asynchronous) {
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
}

CheckpointWriter::~CheckpointWriter() = default;

double CheckpointWriter::save(const CheckpointContent& content) {
  const Stopwatch watch;
  wait_until_idle();
  check();
  if (!settings_.asynchronous) {
    write(std::make_shared<CheckpointContent>(content));
    check();
    return watch.seconds();
  }
  std::shared_ptr<CheckpointContent> copy = std::move(spare_);
  if (!copy) copy = std::make_shared<CheckpointContent>();
  copy_to_host(content, *copy);
  {
    const std::lock_guard lock(mutex_);
    waiting_ = std::move(copy);
  }
  changed_.notify_all();
  return watch.seconds();
}

void CheckpointWriter::check() {
  const std::lock_guard lock(mutex_);
  if (failures_ < settings_.max_failures) return;
  throw RunError("{} checkpoints in a row could not be written (checkpoint.max_failures): {}",
                 failures_, newest_error_);
}

double CheckpointWriter::finish() {
  const Stopwatch watch;
  wait_until_idle();
  while (unsaved_newest_ || unsaved_best_) {
    check();
    std::this_thread::sleep_for(std::chrono::duration<double>(settings_.retry_seconds));
    write_again();
  }
  return watch.seconds();
}

void CheckpointWriter::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, stop, [&] { return waiting_ != nullptr; });
    if (!waiting_) return;  // asked to stop, and nothing is left to write
    busy_ = true;
    std::shared_ptr<CheckpointContent> content = std::move(waiting_);
    lock.unlock();
    write(std::move(content));
    lock.lock();
    busy_ = false;
    changed_.notify_all();
  }
}

void CheckpointWriter::wait_until_idle() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_ && !waiting_; });
}

void CheckpointWriter::write(std::shared_ptr<CheckpointContent> content) {
  unsaved_newest_.reset();  // this one is newer
  // The best of before, which a failed write kept from the disk; a better one takes its place.
  if (content->is_best) {
    unsaved_best_.reset();
  } else {
    static_cast<void>(write_best());
  }
  const std::string error = try_write(*content);
  if (error.empty()) {
    store_.prune(settings_.retention);
    if (settings_.asynchronous) spare_ = std::move(content);
  } else {
    if (!settings_.asynchronous) {  // its tensors are those of the training, which goes on
      auto copy = std::make_shared<CheckpointContent>();
      copy_to_host(*content, *copy);
      content = std::move(copy);
    }
    unsaved_newest_ = content;
    if (content->is_best) unsaved_best_ = std::move(content);
  }
  count(error);
}

void CheckpointWriter::write_again() {
  std::string error = write_best();
  if (unsaved_newest_) {
    error = try_write(*unsaved_newest_);
    if (error.empty()) unsaved_newest_.reset();
  }
  if (error.empty()) store_.prune(settings_.retention);
  count(error);
}

std::string CheckpointWriter::write_best() {
  if (!unsaved_best_) return "";
  std::string error = try_write(*unsaved_best_);
  if (!error.empty()) return error;
  if (unsaved_newest_ == unsaved_best_) unsaved_newest_.reset();
  unsaved_best_.reset();
  return "";
}

std::string CheckpointWriter::try_write(const CheckpointContent& content) {
  try {
    store_.save(content.step, content.is_best,
                [&](const std::filesystem::path& folder) { write_(folder, content); });
    // A best one that was left over is older than what was written meanwhile.
    newest_saved_ = std::max(newest_saved_, content.step);
    if (content.step < newest_saved_) store_.mark_last(newest_saved_);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

void CheckpointWriter::count(const std::string& error) {
  const std::lock_guard lock(mutex_);
  newest_error_ = error;
  failures_ = error.empty() ? 0 : failures_ + 1;
  if (!error.empty()) {
    spdlog::error("{}; failed writes in a row: {}, the run ends at {} (checkpoint.max_failures)",
                  error, failures_, settings_.max_failures);
  }
}

}  // namespace s2i
