#include "checkpoint/writer.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "checkpoint/host_tensors.h"
#include "core/clock.h"
#include "core/error.h"

namespace s2i {
namespace {

/// Copies to host memory, reusing that of `to` if its layout matches; new memory is pinned for a
/// GPU. Copies from a GPU are asynchronous; `device` is then set to the GPU.
void start_copies(const NamedTensors& from, NamedTensors& to, std::optional<at::Device>& device) {
  const bool from_gpu = !from.empty() && from.front().tensor.is_cuda();
  if (!same_layout(from, to)) to = host_tensors_like(from, /*pinned=*/from_gpu);
  for (size_t i = 0; i < from.size(); ++i) {
    const at::Tensor source = from[i].tensor.detach();
    to[i].name = from[i].name;
    to[i].tensor.copy_(source, /*non_blocking=*/true);
    if (source.is_cuda()) device = source.device();
  }
}

/// Fills `copy`, whose memory is reused, with host copies of all tensors.
void copy_to_host(const CheckpointContent& content, CheckpointContent& copy) {
  const at::NoGradGuard no_grad;
  copy.step = content.step;
  copy.is_best = content.is_best;
  copy.run_state = content.run_state;
  copy.calibration = content.calibration;
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
  throw RunError("{} consecutive checkpoints could not be written (checkpoint.max_failures): {}",
                 failures_, last_error_);
}

double CheckpointWriter::finish() {
  const Stopwatch watch;
  wait_until_idle();
  while (unsaved_last_ || unsaved_best_) {
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
    if (!waiting_) return;  // a stop was requested and all is written
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
  unsaved_last_.reset();  // `content` is newer
  // The write of an earlier best checkpoint failed. A later best one replaces it.
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
    if (!settings_.asynchronous) {  // the tensors change with the next step
      auto copy = std::make_shared<CheckpointContent>();
      copy_to_host(*content, *copy);
      content = std::move(copy);
    }
    unsaved_last_ = content;
    if (content->is_best) unsaved_best_ = std::move(content);
  }
  count(error);
}

void CheckpointWriter::write_again() {
  std::string error = write_best();
  if (unsaved_last_) {
    error = try_write(*unsaved_last_);
    if (error.empty()) unsaved_last_.reset();
  }
  if (error.empty()) store_.prune(settings_.retention);
  count(error);
}

std::string CheckpointWriter::write_best() {
  if (!unsaved_best_) return "";
  std::string error = try_write(*unsaved_best_);
  if (!error.empty()) return error;
  if (unsaved_last_ == unsaved_best_) unsaved_last_.reset();
  unsaved_best_.reset();
  return "";
}

std::string CheckpointWriter::try_write(const CheckpointContent& content) {
  try {
    store_.save(content.step, content.is_best,
                [&](const std::filesystem::path& folder) { write_(folder, content); });
    // An unsaved best checkpoint may be older than the last one on disk.
    last_saved_step_ = std::max(last_saved_step_, content.step);
    if (content.step < last_saved_step_) store_.mark_last(last_saved_step_);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

void CheckpointWriter::count(const std::string& error) {
  const std::lock_guard lock(mutex_);
  last_error_ = error;
  failures_ = error.empty() ? 0 : failures_ + 1;
  if (!error.empty()) {
    spdlog::error("{}; consecutive failed writes: {}, the run ends at {} (checkpoint.max_failures)",
                  error, failures_, settings_.max_failures);
  }
}

}  // namespace s2i
