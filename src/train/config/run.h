// Settings of the process: output folder, seed, resume, device, log, signals.
#pragma once

#include <spdlog/common.h>

#include <array>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "cluster/placement/device.h"
#include "core/config.h"

namespace s2i {

/// Resume from the latest valid checkpoint in run.dir, if there is one.
struct ResumeLatest {};
/// Start anew; an error if run.dir has checkpoints.
struct ResumeNever {};
/// Or resume from a given checkpoint.
using Resume = std::variant<ResumeLatest, ResumeNever, std::filesystem::path>;

inline constexpr std::array kDeviceChoices = {
    Choice<DeviceChoice>{"auto", DeviceChoice::kAuto},
    Choice<DeviceChoice>{"cpu", DeviceChoice::kCpu},
    Choice<DeviceChoice>{"cuda", DeviceChoice::kCuda},
};

inline constexpr std::array kLogLevelChoices = {
    Choice<spdlog::level::level_enum>{"trace", spdlog::level::trace},
    Choice<spdlog::level::level_enum>{"debug", spdlog::level::debug},
    Choice<spdlog::level::level_enum>{"info", spdlog::level::info},
    Choice<spdlog::level::level_enum>{"warn", spdlog::level::warn},
    Choice<spdlog::level::level_enum>{"error", spdlog::level::err},
};

struct RunConfig {
  std::string dir;
  int64_t seed = 1;
  Resume resume = ResumeLatest{};
  DeviceChoice device = DeviceChoice::kAuto;
  int64_t threads = 0;
  spdlog::level::level_enum log_level = spdlog::level::info;
  std::vector<int> stop_signals = {SIGTERM, SIGINT, SIGUSR1};
  bool tensorboard = true;
};

void add_fields(ConfigFields& fields, RunConfig& run);

}  // namespace s2i
