// s2i-preprocess: converts a corpus (CSV and audio files) to shards.
#include <algorithm>

#include "core/files.h"
#include "core/json.h"
#include "core/program.h"
#include "core/stop_signal.h"
#include "data/manifest.h"
#include "preprocess/corpus.h"
#include "preprocess/options.h"
#include "preprocess/split_preprocessor.h"
#include "preprocess/summary.h"
#include "preprocess/verify.h"

namespace s2i {
namespace {

/// Labels are indices into the list of intents, so splits with different lists must not be used in
/// one training run.
void warn_about_different_intents(const PreprocessOptions& options, const Corpus& corpus) {
  for (const auto& entry : std::filesystem::directory_iterator(options.out)) {
    const std::string name = entry.path().filename().string();
    if (std::find(options.splits.begin(), options.splits.end(), name) != options.splits.end() ||
        !std::filesystem::exists(entry.path() / kManifestFile)) {
      continue;
    }
    if (read_manifest(entry.path()).intents != corpus.intents) {
      spdlog::warn(
          "{} has a different list of intents; preprocess it again, or add intent_info.csv to the "
          "corpus",
          entry.path().string());
    }
  }
}

int preprocess(const PreprocessOptions& options) {
  const StopSignal stop_signal({SIGINT, SIGTERM, SIGUSR1});
  const Corpus corpus = read_corpus(options.corpus, options.splits);
  make_output_folder(options.out);
  warn_about_different_intents(options, corpus);
  OrderedJson summaries = OrderedJson::array();
  int status = kExitDone;
  for (const CorpusSplit& split : corpus.splits) {
    const SplitResult result =
        preprocess_split(corpus, split, options.shards, options.selection, options.out);
    log_split(split, result, options.shards, options.selection, options.out);
    if (!options.selection.part) {
      summaries.push_back(summarize_split(split, result, options.shards, options.out));
    }
    if (result.status == SplitResult::Status::kStopped) return kExitSignalBase + result.signal;
    if (result.status == SplitResult::Status::kBadRows) status = kExitRunFailed;
  }
  // All parts have the same command line and would overwrite each other's summary.
  if (!options.summary.empty() && !options.selection.part) {
    write_summary(summaries, options.summary);
  }
  return status;
}

int run(int argc, const char* const* argv) {
  set_up_logging(spdlog::level::info);
  const auto options = parse_options(argc, argv);
  if (!options) return kExitDone;
  set_up_logging(spdlog::level::from_str(options->log_level));
  if (options->verify.empty()) return preprocess(*options);
  return verify_shards(options->verify) ? kExitDone : kExitRunFailed;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  return s2i::run_program([&] { return s2i::run(argc, argv); });
}
