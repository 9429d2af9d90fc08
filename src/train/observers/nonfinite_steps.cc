#include "train/observers/nonfinite_steps.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>

#include "checkpoint/format.h"
#include "checkpoint/store.h"
#include "core/error.h"
#include "core/format.h"
#include "core/json.h"

namespace s2i {
namespace {

/// A text as one word of a shell command.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

}  // namespace

NonfiniteSteps::NonfiniteSteps(const ObserverSettings& settings, const RunSnapshot& snapshot,
                               Communicator& communicator)
    : run_dir_(settings.run_dir),
      seed_(settings.seed),
      max_steps_(settings.max_nonfinite_steps),
      snapshot_(snapshot),
      communicator_(communicator) {}

void NonfiniteSteps::on_step(StepEvent& event) {
  const StepRecord& record = event.record;
  if (record.applied) return;
  const bool is_main = communicator_.rank() == 0;
  if (is_main) {
    spdlog::warn("step {}: loss {} or gradient norm {} is not finite; the update is skipped",
                 record.step, number_text(record.loss), number_text(record.grad_norm));
  }
  const int64_t consecutive = event.before.consecutive_nonfinite_steps + 1;
  if (consecutive < max_steps_) return;
  const std::vector<std::string> ids = event.batches.ids();
  if (is_main) dump(event, ids);
  communicator_.barrier("dump of a step");  // an error of another rank would end this one
  throw RunError(
      "loss or gradient not finite for {} consecutive steps (train.max_bad_steps); lower "
      "optimizer.learning_rate or check these utterances of the last batch: {}",
      consecutive, fmt::join(ids, " "));
}

void NonfiniteSteps::dump(const StepEvent& event, const std::vector<std::string>& ids) const {
  const std::filesystem::path folder = run_dir_ / "bad_step";
  const std::filesystem::path temporary = run_dir_ / ".bad_step.tmp";
  const StepRecord& record = event.record;
  const std::string command =
      fmt::format("mpirun -np {} s2i-train {} {} {} train.max_steps={} train.max_bad_steps=1",
                  communicator_.size(), shell_word((run_dir_ / "config.yaml").string()),
                  shell_word("run.resume=" + folder.string()),
                  shell_word("run.dir=" + (run_dir_ / "bad_step_again").string()), record.step);
  try {
    std::filesystem::remove_all(temporary);
    std::filesystem::create_directories(temporary);
    snapshot_.write(temporary, snapshot_.content(event.before, /*is_best=*/false));
    // Numbers that are not finite as text: JSON has none.
    write_json(temporary / "bad_step.json", {{"step", record.step},
                                             {"epoch", event.before.epoch + 1},
                                             {"loss", number_text(record.loss)},
                                             {"grad_norm", number_text(record.grad_norm)},
                                             {"seed", seed_},
                                             {"world_size", communicator_.size()},
                                             {"utterances", ids},
                                             {"command", command}});
    write_checksums(temporary);
    put_in_place(temporary, folder, run_dir_ / ".bad_step.replaced");
    spdlog::error("the state before this step is in {}; repeat the step with: {}", folder.string(),
                  command);
  } catch (const std::exception& error) {
    spdlog::error("cannot write {}: {}", folder.string(), error.what());
  }
}

}  // namespace s2i
