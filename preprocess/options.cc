#include "preprocess/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <thread>

#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

constexpr const char* kDescription =
    "Reads a corpus (CSV and audio files of any format) and writes shards: HDF5 files with mono "
    "audio\n"
    "at one sample rate, and a manifest. Interrupted, the same command goes on where it stopped.";

constexpr const char* kFooter =
    "Exit status: 0 done, 1 the run failed (bad rows, disk full, damaged shards), 2 the command "
    "line or\n"
    "the corpus as a whole is wrong, 128 + signal stopped by a signal.\n"
    "Memory: about two shards' audio; at the defaults 512 rows of 4 s take 70 MB a shard.";

void add_inputs(CLI::App& app, PreprocessOptions& options) {
  CorpusColumns& columns = options.corpus.columns;
  app.add_option("--corpus", options.corpus.folder,
                 "Folder with <split>.csv; intent_info.csv and speaker_info.csv are used if there");
  app.add_option("--split", options.splits, "Splits to preprocess, e.g. train or train,test")
      ->delimiter(',');
  app.add_option("--column-audio", columns.audio, "Column with the path of the audio file")
      ->capture_default_str();
  app.add_option("--column-intent", columns.intent, "Column with the intent's class or name")
      ->capture_default_str();
  app.add_option("--column-id", columns.id,
                 "Column with the utterance's id [id; without it the row's number from 0]");
  app.add_option("--column-speaker", columns.speaker,
                 "Column with the speaker [speaker_id; without it 'unknown']");
  app.add_flag("--allow-outside", options.corpus.allow_outside,
               "Take audio from outside the corpus folder too (absolute paths, '..', links)");
  app.add_option("--delimiter", options.corpus.delimiter, "Separator of the CSV's fields")
      ->capture_default_str();
  app.add_option(
         "--intents-from", options.corpus.intents_from,
         "Split whose rows name the intents if there is no intent_info.csv; if the corpus has "
         "no such split, the splits given together do")
      ->capture_default_str();
}

void add_outputs(CLI::App& app, PreprocessOptions& options, std::string& sample_type) {
  ShardSettings& shards = options.shards;
  app.add_option("--out", options.out, "Folder for the shards; each split gets a folder in it");
  app.add_option("--sample-rate", shards.sample_rate, "Sample rate of the shards, Hz")
      ->check(CLI::Range(1000, 192000))
      ->capture_default_str();
  app.add_option("--dtype", sample_type, "Sample type of the shards: int16 or float32")
      ->check(CLI::IsMember({"int16", "float32"}))
      ->capture_default_str();
  app.add_option("--shard-utterances", shards.rows_per_shard, "Rows of the CSV a shard")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  app.add_option("--jobs", shards.jobs, "Threads that decode [one a core]")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  app.add_flag("--skip-bad", shards.skip_bad,
               "Leave bad rows out, listed in <out>/<split>/rejected.csv, instead of failing");
  app.add_option(
      "--summary", options.summary,
      "JSON file with counts, hours, seconds of each stage, per intent and speaker; - for "
      "standard output. With --part none is written: the merge writes it");
}

void add_decoding(CLI::App& app, DecodeOptions& decode, std::string& channel) {
  app.add_option("--max-seconds", decode.max_seconds, "A longer utterance is a bad row, seconds")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_option("--channel", channel,
                 "Channel of files with several: mean (of all), left, right, or its number from 1")
      ->capture_default_str();
  app.add_flag("--accept-damaged", decode.accept_damaged,
               "Read what is there of audio files that are cut off or damaged, with a warning and "
               "a list in --summary, instead of rejecting the rows");
}

void add_parts(CLI::App& app, PreprocessOptions& options, std::string& part) {
  CLI::Option* const of_part = app.add_option(
      "--part", part,
      "I/N, I from 1 to N: make this part's share of the shards alone, so that N processes, on as "
      "many machines, make all of them in one --out on a shared file system; in a Slurm array "
      "--part $SLURM_ARRAY_TASK_ID/N. Then --merge N");
  app.add_option("--merge", options.portion.merge_parts,
                 "N: all N parts are done; check their shards and write the manifest: what one "
                 "process would have written. Names the parts that are missing or were made from "
                 "something else")
      ->check(CLI::Range(1, 1000000))
      ->excludes(of_part);
}

void check_split_name(const std::string& name) {
  const bool plain = !name.empty() && name.front() != '.' &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
                     });
  if (!plain) {
    throw UserError("--split '{}': the name of <split>.csv, of letters, digits, '_', '-' and '.'",
                    name);
  }
}

void check(PreprocessOptions& options) {
  if (!options.verify.empty()) return;
  if (options.corpus.folder.empty()) throw UserError("--corpus is missing; see --help");
  if (options.splits.empty()) throw UserError("--split is missing, e.g. --split train; see --help");
  if (options.out.empty()) throw UserError("--out is missing; see --help");
  for (const auto& split : options.splits) check_split_name(split);
  auto sorted = options.splits;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    throw UserError("--split names '{}' twice", *std::adjacent_find(sorted.begin(), sorted.end()));
  }
  // However the folder was spelt, an interrupted run is recognized.
  std::error_code error;
  const auto canonical = std::filesystem::weakly_canonical(options.corpus.folder, error);
  if (!error) options.corpus.folder = canonical;
}

}  // namespace

std::optional<PreprocessOptions> parse_options(int argc, const char* const* argv) {
  PreprocessOptions options;
  options.shards.jobs = std::max(1U, std::thread::hardware_concurrency());
  std::string sample_type = sample_type_name(options.shards.sample_type);
  CLI::App app(kDescription, "s2i-preprocess");
  app.footer(kFooter);
  app.set_version_flag("--version", version_text("s2i-preprocess"));
  add_inputs(app, options);
  add_outputs(app, options, sample_type);
  std::string channel = channel_name(options.shards.decode.channel);
  add_decoding(app, options.shards.decode, channel);
  std::string part;
  add_parts(app, options, part);
  app.add_option(
      "--verify", options.verify,
      "Read the shards in this folder, or in the splits below it, against their checksums "
      "and do nothing else");
  app.add_option("--log-level", options.log_level, "trace, debug, info, warn or error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error, std::cout, std::cerr);
      return std::nullopt;
    }
    throw UserError("{}; see --help", error.what());
  }
  options.shards.sample_type = parse_sample_type(sample_type);
  options.shards.decode.channel = parse_channel(channel);
  if (app.count("--part") > 0) options.portion.part = parse_part(part);
  check(options);
  return options;
}

}  // namespace s2i
