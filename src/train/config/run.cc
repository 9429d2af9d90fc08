#include "train/config/run.h"

#include "core/stop_signal.h"

namespace s2i {
namespace {

std::string resume_text(const Resume& resume) {
  if (std::holds_alternative<ResumeLatest>(resume)) return "auto";
  if (std::holds_alternative<ResumeNever>(resume)) return "never";
  return std::get<std::filesystem::path>(resume).string();
}

Resume parse_resume(const std::string& text) {
  if (text == "auto") return ResumeLatest{};
  if (text == "never") return ResumeNever{};
  if (text.empty()) throw UserError("is empty but must be auto, never or a checkpoint's path");
  return std::filesystem::path(text);
}

}  // namespace

void add_fields(ConfigFields& fields, RunConfig& run) {
  fields.emplace_back("run.dir", &run.dir, "Output folder of the run").may_change_on_resume();
  fields.emplace_back("run.seed", &run.seed, "Random seed").range(0, 9e15);
  fields
      .emplace_back(
          "run.resume",
          ConfigText{[&run] { return resume_text(run.resume); },
                     [&run](const std::string& text) { run.resume = parse_resume(text); }},
          "auto: resume from the latest valid checkpoint in run.dir, if any; never: refuse a "
          "run.dir with checkpoints; or the path of a checkpoint")
      .may_change_on_resume();
  fields
      .emplace_back(choice_field("run.device", run.device, kDeviceChoices,
                                 "Device to compute on; auto: a GPU if available"))
      .may_change_on_resume();
  fields
      .emplace_back("run.threads", &run.threads,
                    "CPU threads per rank; 0: the cores of the node divided by its ranks")
      .range(0, 4096)
      .may_change_on_resume();
  fields.emplace_back(choice_field("run.log_level", run.log_level, kLogLevelChoices, "Log level"))
      .may_change_on_resume();
  fields
      .emplace_back(
          "run.stop_signals",
          ConfigText{[&run] { return signal_list(run.stop_signals); },
                     [&run](const std::string& text) { run.stop_signals = parse_signals(text); }},
          "Signals on which the run saves a checkpoint and stops, sent to any rank")
      .may_change_on_resume();
  fields
      .emplace_back("run.tensorboard", &run.tensorboard,
                    "Write event files to run.dir/tensorboard, for TensorBoard")
      .may_change_on_resume();
}

}  // namespace s2i
