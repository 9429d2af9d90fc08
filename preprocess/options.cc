#include "preprocess/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <thread>

#include "core/decimal_options.h"
#include "core/error.h"
#include "core/program.h"
#include "core/standard_output.h"

namespace s2i {
namespace {

constexpr const char* kDescription =
    "Reads a corpus (CSV and audio files of any format) and writes shards: HDF5 files with mono "
    "audio\n"
    "at one sample rate, and a manifest. To resume after an interruption, run the same command "
    "again.";

constexpr const char* kFooter =
    "Exit status: 0 success; 1 the run failed (bad rows, disk full, corrupt shards); 2 the command "
    "line or\n"
    "the corpus is invalid; 128 + signal number if stopped by a signal.\n"
    "Memory: the audio of about two shards. With the defaults, 512 rows of 4 s, a shard takes 70 "
    "MB.";

/// Text options that are parsed after CLI11 has read the command line.
struct OptionTexts {
  std::string delimiter;
  std::string quoting = "standard";
  std::string sample_type;
  std::string channel;
  std::string part;
};

void add_inputs(CLI::App& app, PreprocessOptions& options, OptionTexts& texts) {
  CorpusColumns& columns = options.corpus.columns;
  app.add_option(
      "--corpus", options.corpus.folder,
      "Folder with <split>.csv and optionally intent_info.csv and speaker_info.csv; each "
      "may be a .tsv file instead");
  app.add_option("--split", options.splits, "Splits to preprocess, e.g. train or train,test")
      ->delimiter(',');
  app.add_option("--column-audio", columns.audio, "Column with the audio file path")
      ->capture_default_str();
  app.add_option("--column-intent", columns.intent, "Column with the intent class or name")
      ->capture_default_str();
  app.add_option("--column-id", columns.id,
                 "Column with the utterance id [id; if missing, the row number from 0]");
  app.add_option("--column-speaker", columns.speaker,
                 "Column with the speaker [speaker_id; if missing, 'unknown']");
  app.add_option("--keep-column", columns.keep,
                 "Keep this column for each utterance; may be repeated. The column template, the "
                 "wording, is kept whenever the corpus has it")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--allow-outside", options.corpus.allow_outside,
               "Allow audio outside the corpus folder (absolute paths, '..', symbolic links)");
  app.add_option("--delimiter", texts.delimiter,
                 "Field delimiter of the CSV files: one character, or tab [a comma; a tab for "
                 ".tsv files]");
  app.add_option(
         "--quoting", texts.quoting,
         "standard: a CSV field may be enclosed in double quotes; none: quotes are ordinary "
         "characters, as in the TSV files of Common Voice")
      ->check(CLI::IsMember({"standard", "none"}))
      ->capture_default_str();
  app.add_option(
         "--intents-from", options.corpus.intents_from,
         "Split whose rows define the intents if there is no intent_info.csv. If the corpus has no "
         "such split, the splits of --split define them")
      ->capture_default_str();
}

void add_outputs(CLI::App& app, PreprocessOptions& options, OptionTexts& texts) {
  ShardSettings& shards = options.shards;
  app.add_option("--out", options.out, "Output folder; each split gets a subfolder");
  app.add_option("--sample-rate", shards.sample_rate, "Sample rate of the shards, Hz")
      ->check(CLI::Range(1000, 192000))
      ->capture_default_str();
  app.add_option("--dtype", texts.sample_type, "Sample type of the shards: int16 or float32")
      ->check(CLI::IsMember({"int16", "float32"}))
      ->capture_default_str();
  app.add_option("--shard-utterances", shards.rows_per_shard, "CSV rows per shard")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--jobs", shards.jobs, "Number of decoding threads [number of cores]")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--skip-bad", shards.skip_bad,
               "Skip bad rows and list them in <out>/<split>/rejected.csv instead of failing");
  app.add_option(
      "--summary", options.summary,
      "Write a JSON summary (counts, hours, seconds per stage, totals per intent and speaker) to "
      "this file; - for standard output. Ignored with --part; use it with --merge");
}

void add_decoding(CLI::App& app, PreprocessOptions& options, OptionTexts& texts) {
  DecodeOptions& decode = options.shards.decode;
  app.add_option("--min-seconds", options.shards.min_seconds,
                 "Minimum utterance length in seconds; a shorter one is a bad row. The default is "
                 "the shortest input of the published models: 400 samples at 16 kHz")
      ->check(CLI::Range(0.0, 86400.0))
      ->capture_default_str();
  app.add_option("--max-seconds", decode.max_seconds,
                 "Maximum utterance length in seconds; a longer one is a bad row")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_option("--channel", texts.channel,
                 "Channel to use from files with several: mean, left, right, or a number from 1")
      ->capture_default_str();
  app.add_flag("--accept-damaged", decode.accept_damaged,
               "Use the readable part of truncated or corrupt audio files instead of rejecting the "
               "rows. These files are named in a warning and listed in --summary");
}

void add_parts(CLI::App& app, PreprocessOptions& options, OptionTexts& texts) {
  CLI::Option* const part_option = app.add_option(
      "--part", texts.part,
      "I/N, with I from 1 to N: write only every N-th shard, starting with the I-th. N processes "
      "on different machines can write to one --out on a shared file system. In a Slurm array use "
      "--part $SLURM_ARRAY_TASK_ID/N. Run --merge N afterwards");
  app.add_option(
         "--merge", options.selection.merge_parts,
         "N: check the shards of all N parts and write the manifest. The output is the same "
         "as from one process. Lists parts that are missing or were made from different "
         "inputs")
      ->check(CLI::Range(1, 1000000))
      ->excludes(part_option);
}

void check_split_name(const std::string& name) {
  const bool plain = !name.empty() && name.front() != '.' &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
                     });
  if (!plain) {
    throw UserError(
        "--split '{}': a split name may have only letters, digits, '_', '-' and '.', and must not "
        "start with '.'",
        name);
  }
}

void check(PreprocessOptions& options) {
  if (!options.verify.empty()) return;
  if (options.corpus.folder.empty()) throw UserError("--corpus is missing; see --help");
  if (options.splits.empty()) throw UserError("--split is missing, e.g. --split train; see --help");
  if (options.out.empty()) throw UserError("--out is missing; see --help");
  if (options.shards.min_seconds > options.shards.decode.max_seconds) {
    throw UserError("--min-seconds {} is greater than --max-seconds {}", options.shards.min_seconds,
                    options.shards.decode.max_seconds);
  }
  for (const auto& split : options.splits) check_split_name(split);
  auto sorted = options.splits;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    throw UserError("--split: duplicate split '{}'",
                    *std::adjacent_find(sorted.begin(), sorted.end()));
  }
  // A canonical path, so that a run can be resumed with a different spelling of it.
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(options.corpus.folder, error);
  if (!error) options.corpus.folder = canonical;
}

}  // namespace

std::optional<PreprocessOptions> parse_options(int argc, const char* const* argv) {
  PreprocessOptions options;
  options.shards.jobs = std::max(1U, std::thread::hardware_concurrency());
  OptionTexts texts;
  texts.sample_type = sample_type_name(options.shards.sample_type);
  texts.channel = channel_name(options.shards.decode.channel);
  CLI::App app(kDescription, "s2i-preprocess");
  app.footer(kFooter);
  app.set_version_flag("--version", version_text("s2i-preprocess"));
  add_inputs(app, options, texts);
  add_outputs(app, options, texts);
  add_decoding(app, options, texts);
  add_parts(app, options, texts);
  app.add_option(
      "--verify", options.verify,
      "Only verify the checksums of the shards in this folder or in its split subfolders");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str();
  require_decimal_options(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      std::ostringstream text;
      app.exit(error, text, text);
      write_output(text.str());
      return std::nullopt;
    }
    throw UserError("{}; see --help", error.what());
  }
  options.shards.sample_type = parse_sample_type(texts.sample_type);
  options.shards.decode.channel = parse_channel(texts.channel);
  if (app.count("--delimiter") > 0) {
    options.corpus.csv.delimiter = parse_delimiter(texts.delimiter);
  }
  options.corpus.csv.quoting = parse_quoting(texts.quoting);
  if (app.count("--part") > 0) options.selection.part = parse_part(texts.part);
  check(options);
  return options;
}

}  // namespace s2i
