// What a trainer saves and goes on from: checkpoints, their links, the dump of a bad step.
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <exception>

#include "classification/pretrained.h"
#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/format.h"
#include "train/run_identity.h"
#include "train/trainer.h"
#include "weights/safetensors.h"

namespace s2i {
namespace {

/// A text as one word of a shell's command line.
std::string shell_word(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

}  // namespace

RunIdentity Trainer::identity() const {
  return run_identity(config_, *data_.train, *data_.validation, communicator_.size());
}

std::string Trainer::weights_checksum() const {
  const at::Tensor values = reducer_.flat_parameters().to(at::kCPU);
  return checksum_text(checksum({static_cast<const std::byte*>(values.const_data_ptr()),
                                 static_cast<size_t>(values.nbytes())})) +
         fixed_weights_checksum(model_);
}

void Trainer::resume(const std::filesystem::path& checkpoint) {
  const at::NoGradGuard no_grad;
  const Json json = read_json(checkpoint / "run_state.json");
  const std::string where = (checkpoint / "run_state.json").string();
  state_ = run_state_from_json(json, where);
  // More steps or more patience than before: it goes on.
  state_.finished =
      state_.finished && (state_.step >= schedule_.total_steps() || out_of_patience());
  saved_step_ = state_.step;

  load_saved_weights(model_, checkpoint / "model" / "model.safetensors");
  optimizer_.load_state(read_safetensors(checkpoint / "optimizer.safetensors").tensors,
                        (checkpoint / "optimizer.safetensors").string());
  settle_links();
  if (is_main()) {
    spdlog::info("going on from {} (step {} of {})", checkpoint.string(), state_.step,
                 schedule_.total_steps());
  }
}

void Trainer::settle_links() {
  // A crash between the commit of a checkpoint and its links, or a best checkpoint that is damaged
  // or could not be written: rank 0 looks, all take its word.
  RunState found = state_;
  if (is_main() && std::filesystem::exists(checkpoints_.at(state_.step))) {
    checkpoints_.mark_last(state_.step);
  }
  if (is_main() && state_.best_step >= 0) {
    const auto whole = [&](int64_t step) {
      return check_checkpoint(checkpoints_.at(step)).empty();
    };
    if (whole(state_.best_step)) {
      checkpoints_.mark_best(state_.best_step);
    } else {
      found.best_step = -1;
      std::error_code no_link;
      const auto linked = std::filesystem::canonical(checkpoints_.best(), no_link);
      const int64_t step = no_link ? -1 : step_of(linked);
      if (step >= 0 && step < state_.step && whole(step)) {
        const std::string where = (linked / "run_state.json").string();
        found = run_state_from_json(read_json(where), where);
      }
      spdlog::warn("the best checkpoint, of step {}, is not there any more; {}", state_.best_step,
                   found.best_step < 0
                       ? "the next validated one is the best"
                       : fmt::format("the best is now that of step {}", found.best_step));
    }
  }
  const std::string agreed =
      communicator_.broadcast_text(to_json(found, {}).dump(), 0, "best checkpoint");
  found = run_state_from_json(parse_json(agreed, "rank 0"), "rank 0");
  state_.best_step = found.best_step;
  state_.best_value = found.best_value;
  state_.best_loss = found.best_loss;
}

bool Trainer::out_of_patience() const {
  const int64_t patience = config_.train.early_stop_patience;
  return patience > 0 && state_.since_best >= patience;
}

void Trainer::save_checkpoint(bool is_best) {
  if (saved_step_ == state_.step && !is_best && !state_.finished) return;
  // The weights may be what is bad: only what ends the run is worth a checkpoint.
  if (state_.consecutive_nonfinite_steps > 0 && !is_best && !state_.finished && stop_signal_ == 0)
    return;
  saved_step_ = state_.step;
  if (!writer_) return;
  communicator_.activity().begin_unit(fmt::format("checkpoint of step {}", state_.step));
  communicator_.check();  // a collective that failed in the background: these are not its results
  checkpoint_seconds_ += writer_->save(checkpoint_content(is_best));
}

CheckpointContent Trainer::checkpoint_content(bool is_best) const {
  return {.step = state_.step,
          .is_best = is_best,
          .model = named_tensors(model_),
          .optimizer = optimizer_.state(),
          .trainer = to_json(state_, identity())};
}

void Trainer::write_content(const std::filesystem::path& folder,
                            const CheckpointContent& content) const {
  save_pretrained(folder / "model", model_.config(), content.model, preprocessor_,
                  data_.train->intents());
  write_safetensors(folder / "optimizer.safetensors", content.optimizer);
  write_json(folder / "run_state.json", content.trainer);
}

void Trainer::dump_bad_step(const StepResult& result, const std::vector<std::string>& ids) {
  const std::filesystem::path dir = config_.run.dir;
  const std::filesystem::path folder = dir / "bad_step";
  const std::filesystem::path temporary = dir / ".bad_step.tmp";
  const std::string command =
      fmt::format("mpirun -np {} s2i-train {} {} {} train.max_steps={} train.max_bad_steps=1",
                  communicator_.size(), shell_word((dir / "config.yaml").string()),
                  shell_word("run.resume=" + folder.string()),
                  shell_word("run.dir=" + (dir / "bad_step_again").string()), state_.step + 1);
  try {
    std::filesystem::remove_all(temporary);
    std::filesystem::create_directories(temporary);
    write_content(temporary, checkpoint_content(/*is_best=*/false));
    // Text: JSON has no numbers that are not finite.
    write_json(temporary / "bad_step.json", {{"step", state_.step + 1},
                                             {"epoch", state_.epoch + 1},
                                             {"loss", number_text(result.loss)},
                                             {"grad_norm", number_text(result.grad_norm)},
                                             {"seed", config_.run.seed},
                                             {"world_size", communicator_.size()},
                                             {"utterances", ids},
                                             {"command", command}});
    write_checksums(temporary);
    put_in_place(temporary, folder, dir / ".bad_step.replaced");
    spdlog::error("what this step started from is in {}; take it again with: {}", folder.string(),
                  command);
  } catch (const std::exception& error) {
    spdlog::error("cannot write {}: {}", folder.string(), error.what());
  }
}

}  // namespace s2i
