// What a run folder holds beside its checkpoints, on a disk that keeps no more than it promises:
// metrics.jsonl, validation.jsonl and the event files have every step up to the latest checkpoint,
// config.yaml is whole.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <random>

#include "checkpoint/format.h"
#include "checkpoint/store.h"
#include "core/files.h"
#include "core/json.h"
#include "faults/disk_model.h"
#include "faults/file_faults.h"
#include "temporary_folder.h"
#include "tensorboard/event_folder.h"
#include "tensorboard/record.h"
#include "train/metrics_log.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kStoppedAt = 5;  // between two checkpoints
constexpr int64_t kSteps = 8;
constexpr const char* kConfig = "train: {epochs: 2}\n";

bool saves_after(int64_t step) { return step % 2 == 0; }

/// The events of a start that goes on from `resume_step`.
tensorboard::EventFolder open_events(const fs::path& run_dir, int64_t resume_step) {
  return {run_dir / "tensorboard", resume_step + 1,
          [=](const tensorboard::EventHead& event) { return event.step <= resume_step; }};
}

/// One start, in the order in which s2i-train does it: the logs are cut back to `resume_step`, each
/// step and each validation gets a line, and a checkpoint is committed when the lines before it are
/// flushed.
template <typename Saved>
void run_start(const fs::path& run_dir, int64_t resume_step, int64_t last_step, Saved&& saved) {
  CheckpointStore store(run_dir);
  store.recover();
  write_file_atomic(run_dir / "config.yaml", kConfig);
  MetricsLog metrics(run_dir / "metrics.jsonl", resume_step);
  MetricsLog validations(run_dir / "validation.jsonl", resume_step);
  tensorboard::EventFolder events = open_events(run_dir, resume_step);
  for (int64_t step = resume_step + 1; step <= last_step; ++step) {
    tensorboard::Event event(step);
    event.add_scalar("loss", 0.5);
    events.add(event);
    metrics.append({{"step", step}, {"loss", 0.5}});
    if (!saves_after(step)) continue;
    validations.append({{"step", step}, {"accuracy", 0.5}});
    store.save(step, /*is_best=*/true, [&](const fs::path& folder) {
      fs::create_directories(folder / "model");
      for (const char* needed : {"model/config.json", "model/model.safetensors", "run_state.json",
                                 "optimizer.safetensors"}) {
        write_json(folder / needed, {{"step", step}});
      }
      metrics.sync();
      validations.sync();
      events.sync();
    });
    saved(step);
  }
}

std::vector<int64_t> steps_in(const fs::path& log) {
  std::vector<int64_t> steps;
  std::ifstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    steps.push_back(parse_json(line, log.string()).at("step").get<int64_t>());
  }
  return steps;
}

/// The steps with events, in the order in which TensorBoard reads them.
std::vector<int64_t> steps_of_events(const fs::path& run_dir) {
  std::vector<int64_t> steps;
  std::vector<fs::path> files(fs::directory_iterator(run_dir / "tensorboard"), {});
  std::ranges::sort(files);
  for (const auto& path : files) {
    const std::string file = read_file(path, 1 << 20);
    for (const auto data : tensorboard::records_of(file)) {
      const auto head = tensorboard::event_head(data);
      if (!head.tag.empty()) steps.push_back(head.step);
    }
  }
  return steps;
}

/// What is wrong with what the next start finds, when `acknowledged` was the last save to end; or
/// "".
std::string check_next_start(const fs::path& run_dir, int64_t acknowledged) {
  CheckpointStore store(run_dir);
  store.recover();
  const auto latest = store.latest_valid();
  const int64_t resumed = latest ? step_of(*latest) : 0;
  if (resumed < acknowledged) return fmt::format("step {} found, {} saved", resumed, acknowledged);
  if (fs::exists(run_dir / "config.yaml") ? read_file(run_dir / "config.yaml", 1000) != kConfig
                                          : resumed > 0) {
    return "config.yaml is not whole";
  }
  static_cast<void>(MetricsLog(run_dir / "metrics.jsonl", resumed));
  static_cast<void>(MetricsLog(run_dir / "validation.jsonl", resumed));
  static_cast<void>(open_events(run_dir, resumed));
  std::vector<int64_t> steps;
  std::vector<int64_t> validated;
  for (int64_t step = 1; step <= resumed; ++step) {
    steps.push_back(step);
    if (saves_after(step)) validated.push_back(step);
  }
  if (steps_in(run_dir / "metrics.jsonl") != steps) {
    return fmt::format("metrics.jsonl has {} of {} lines",
                       steps_in(run_dir / "metrics.jsonl").size(), resumed);
  }
  if (steps_in(run_dir / "validation.jsonl") != validated) return "validation.jsonl lacks a line";
  if (steps_of_events(run_dir) != steps) return "the event files lack a step, or have one twice";
  return "";
}

TEST(RunLogFaults, HaveEveryLineUpToTheLatestCheckpointAfterACrashAtEveryCall) {
  if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/1);
  spdlog::set_level(spdlog::level::off);
  const TemporaryFolder folder;
  std::vector<int64_t> acknowledged_at(1, 0);  // by number of operations
  faults::arm({.below = folder.path(), .record = true});
  const auto saved = [&](int64_t step) {
    acknowledged_at.resize(faults::operations().size(), acknowledged_at.back());
    acknowledged_at.push_back(step);
  };
  run_start(folder.path(), 0, kStoppedAt, saved);
  run_start(folder.path(), kStoppedAt - 1, kSteps, saved);
  faults::disarm();
  const auto operations = faults::operations();
  acknowledged_at.resize(operations.size() + 1, acknowledged_at.back());

  std::mt19937_64 random(13);
  faults::DiskModel disk(folder.path());
  int cases = 0;
  for (size_t done = 0; done <= operations.size(); ++done) {
    for (int i = 0; i < 8; ++i) {
      const auto unflushed = i == 0   ? faults::Unflushed::kKept
                             : i == 1 ? faults::Unflushed::kDropped
                                      : faults::Unflushed::kTorn;
      const TemporaryFolder crashed;
      disk.write_after_crash(crashed.path(), unflushed, random);
      ++cases;
      EXPECT_EQ(check_next_start(crashed.path(), acknowledged_at[done]), "")
          << "after call " << done << " of " << operations.size() << ", way " << i;
      if (HasFailure()) return;
    }
    if (done < operations.size()) disk.apply(operations[done]);
  }
  spdlog::set_level(spdlog::level::info);
  RecordProperty("cases", cases);
  fmt::print("{} cases\n", cases);
}

}  // namespace
}  // namespace s2i
