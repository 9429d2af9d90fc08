// s2i-train: fine-tunes WavLM for intent classification, over as many ranks as mpirun or srun
// start.
#include "apps/command_line.h"
#include "cluster/comm/mpi_session.h"
#include "core/standard_output.h"
#include "train/config/train_config.h"
#include "train/run.h"

namespace {

void print_settings() {
  s2i::TrainConfig defaults;
  s2i::write_output(s2i::config_text(s2i::train_config_fields(defaults), /*with_help=*/true));
}

/// For scripts: prints the value of a setting as a run would use it.
int show_setting(const s2i::TrainCommand& command, const std::string& key) {
  s2i::TrainConfig config = s2i::load_train_config(command.config, command.overrides);
  s2i::write_output(s2i::config_value(s2i::train_config_fields(config), key) + "\n");
  return s2i::kExitDone;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Fine-tunes WavLM for intent classification, with one process or with the ranks of mpirun or "
      "srun.",
      "s2i-train");
  s2i::TrainCommand command;
  bool help_config = false;
  std::string shown_key;
  auto* config = app.add_option("config", command.config,
                                "YAML file with settings, such as configs/skit_s2i.yaml");
  app.add_option("overrides", command.overrides, "Settings as key=value; they override the file");
  app.add_flag("--dry-run", command.dry_run,
               "Check all inputs, train on the longest batch once, and estimate memory and time");
  app.add_flag("--help-config", help_config, "Print all settings with defaults and descriptions");
  int status = 0;
  app.add_option("--show", shown_key, "Check the settings, print the one with this key, and exit");
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::info);
  if (help_config) {
    print_settings();
    return s2i::kExitDone;
  }
  if (config->count() == 0) {
    spdlog::error(
        "no configuration file; try: s2i-train configs/demo.yaml data.dir=SHARDS run.dir=runs/x");
    return s2i::kExitUsage;
  }
  if (!shown_key.empty()) return show_setting(command, shown_key);
  return s2i::run_with_mpi(
      [&](const s2i::MpiSession& session) { return s2i::run_training(command, session); });
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
