// s2i-report: one HTML page about one or several runs.
#include <filesystem>

#include "apps/command_line.h"
#include "core/files.h"
#include "report/report.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app(
      "Writes one HTML file about one or several runs: curves, confusion matrix, figures with "
      "intervals, settings. It opens without a network.",
      "s2i-report");
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  s2i::ReportSettings settings;
  app.add_option("runs", runs,
                 "Folders of s2i-train, or of s2i-evaluate --out; several are shown side by side")
      ->required();
  app.add_option("--out", out, "HTML file to write")->required();
  app.add_flag("--audio", settings.audio,
               "Copy the audio of the 20 worst utterances into the page; callers' voices are in no "
               "report without this");
  app.add_option("--data", settings.data_dir,
                 "Folder of the shards, for --audio; default: data.dir of each run");
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::set_up_logging(spdlog::level::info);
  if (!settings.data_dir.empty() && !settings.audio) {
    throw s2i::UserError("--data is for --audio; add --audio");
  }
  if (std::filesystem::is_directory(out)) {
    throw s2i::UserError("--out {} is a folder; name a file, such as {}", out.string(),
                         (out / "report.html").string());
  }
  if (out.has_parent_path()) s2i::make_output_folder(out.parent_path());
  s2i::write_report(runs, out, settings);
  spdlog::info("{}: {} bytes", out.string(), std::filesystem::file_size(out));
  return s2i::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
