// s2i-checkpoint: lists, verifies and compares checkpoints.
#include <fmt/format.h>

#include <cstdio>

#include "apps/command_line.h"
#include "checkpoint/report.h"

namespace {

using s2i::OrderedJson;

void print_list(const OrderedJson& list) {
  fmt::print("{:>10} {:>6} {:<8} {:>14} {:<10} validation\n", "step", "epoch", "state", "bytes",
             "links");
  for (const auto& entry : list) {
    std::string links = entry["best"].get<bool>() ? "best" : "";
    if (entry["last"].get<bool>()) links += links.empty() ? "last" : ",last";
    std::string metrics;
    if (entry["validation"].is_object()) {
      for (const auto& [name, value] : entry["validation"].items()) {
        // Null: not finite, which JSON cannot represent.
        const std::string metric =
            value.is_number() ? fmt::format("{:.4f}", value.get<double>()) : "not finite";
        metrics += fmt::format("{}{} {}", metrics.empty() ? "" : ", ", name, metric);
      }
    }
    fmt::print("{:>10} {:>6} {:<8} {:>14} {:<10} {}\n", entry["step"].dump(),
               entry["epoch"].is_null() ? "?" : entry["epoch"].dump(),
               entry["valid"].get<bool>() ? "valid" : "damaged", entry["bytes"].dump(), links,
               metrics);
  }
}

/// Prints valid checkpoints to standard output and problems to standard error; returns 1 if there
/// are problems.
int verify(const OrderedJson& list, bool json) {
  int status = s2i::kExitDone;
  for (const auto& entry : list) {
    const auto path = entry["path"].get<std::string>();
    if (entry["valid"].get<bool>()) {
      if (!json) fmt::print("{}: valid\n", path);
      continue;
    }
    status = s2i::kExitRunFailed;
    for (const auto& problem : entry["problems"]) {
      spdlog::error("{}: {}", path, problem.get<std::string>());
    }
  }
  if (json) fmt::print("{}\n", list.dump(2));
  return status;
}

int print_difference(const OrderedJson& difference) {
  for (const auto& [name, values] : difference["settings"].items()) {
    fmt::print("{}: {} -> {}\n", name, values[0].dump(), values[1].dump());
  }
  for (const auto& [name, largest] : difference["tensors"].items()) {
    fmt::print("{}: {}\n", name,
               largest.is_number() ? fmt::format("differs by up to {:.3g}", largest.get<double>())
                                   : largest.get<std::string>());
  }
  fmt::print("{} of {} tensors differ, {} settings\n", difference["tensors"].size(),
             difference["tensors_compared"].dump(), difference["settings"].size());
  return difference["equal"].get<bool>() ? s2i::kExitDone : s2i::kExitRunFailed;
}

int run(int argc, char** argv) {
  CLI::App app("Lists, verifies and compares checkpoints, without changing them.",
               "s2i-checkpoint");
  app.require_subcommand(1);
  bool json = false;
  std::string path, other;
  auto* list_command =
      app.add_subcommand("list", "List step, epoch, validity, size, links and validation metrics");
  auto* verify_command = app.add_subcommand(
      "verify", "Verify all checksums; exits with 1 and names the files if any are damaged");
  auto* diff_command = app.add_subcommand(
      "diff", "Compare settings and tensors of two checkpoints; exits with 1 if any differ");
  for (auto* command : {list_command, verify_command}) {
    command->add_option("path", path, "Run folder or checkpoint")->required();
    command->add_flag("--json", json, "Print JSON");
  }
  diff_command->add_option("a", path, "Checkpoint")->required();
  diff_command->add_option("b", other, "Checkpoint")->required();
  diff_command->add_flag("--json", json, "Print JSON");
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::info);
  if (diff_command->parsed()) {
    const OrderedJson difference = s2i::compare_checkpoints(path, other);
    if (!json) return print_difference(difference);
    fmt::print("{}\n", difference.dump(2));
    return difference["equal"].get<bool>() ? s2i::kExitDone : s2i::kExitRunFailed;
  }
  const OrderedJson list = s2i::describe_checkpoints(s2i::checkpoints_at(path));
  if (verify_command->parsed()) return verify(list, json);
  if (json) {
    fmt::print("{}\n", list.dump(2));
  } else {
    print_list(list);
  }
  return s2i::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
