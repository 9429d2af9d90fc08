#include "preprocess/summary.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/format.h"
#include "core/program.h"
#include "core/progress.h"
#include "core/standard_output.h"
#include "core/unicode.h"
#include "data/dataset.h"

namespace s2i {
namespace {

constexpr size_t kMaxRowsLogged = 20;

struct Totals {
  uint64_t utterances = 0;
  double seconds = 0;
};

OrderedJson totals_json(const std::vector<std::string>& names, const std::vector<Totals>& totals) {
  OrderedJson json = OrderedJson::object();
  for (size_t i = 0; i < names.size(); ++i) {
    json[names[i]] = {{"utterances", totals[i].utterances}, {"seconds", totals[i].seconds}};
  }
  return json;
}

/// Adds totals from the finished dataset. Opening it also validates it.
void add_content(const std::filesystem::path& folder, OrderedJson& json) {
  const Dataset dataset(folder);
  std::vector<Totals> intents(dataset.intents().size());
  std::vector<Totals> speakers(dataset.speakers().size());
  double seconds = 0;
  double longest = 0;
  for (size_t i = 0; i < dataset.size(); ++i) {
    const double length = dataset.seconds(i);
    for (Totals* totals : {&intents[static_cast<size_t>(dataset.label(i))],
                           &speakers[static_cast<size_t>(dataset.speaker(i))]}) {
      ++totals->utterances;
      totals->seconds += length;
    }
    seconds += length;
    longest = std::max(longest, length);
  }
  json["utterances"] = dataset.size();
  json["hours"] = seconds / 3600;
  json["seconds_mean"] = dataset.size() == 0 ? 0.0 : seconds / static_cast<double>(dataset.size());
  json["seconds_longest"] = longest;
  json["dataset_checksum"] = checksum_text(dataset.checksum());
  json["intents"] = totals_json(dataset.intents(), intents);
  json["speakers"] = totals_json(dataset.speakers(), speakers);
}

const char* status_name(SplitResult::Status status) {
  switch (status) {
    case SplitResult::Status::kDone:
      return "done";
    case SplitResult::Status::kBadRows:
      return "bad rows";
    case SplitResult::Status::kStopped:
      return "stopped";
  }
  return "";
}

std::string describe_work(const SplitResult& result, const PartSelection& selection) {
  if (selection.merge_parts > 0) {
    return "merged from " + plural(selection.merge_parts, "part");
  }
  if (result.shards_kept == result.shards) return "nothing to do";
  return fmt::format("{} of audio in {:.1f} s ({:.0f}x real time)",
                     duration_text(result.seconds_processed), result.stages.total,
                     result.seconds_processed / result.stages.total);
}

/// Where to find the list of all rejected rows.
const char* full_list_hint(const ShardSettings& settings, const PartSelection& selection) {
  if (selection.part) {
    return "for all of them see the --summary of --merge, or rejected.csv with --skip-bad";
  }
  return settings.skip_bad ? "for all of them see rejected.csv"
                           : "for all of them use --summary, or --skip-bad and rejected.csv";
}

}  // namespace

OrderedJson summarize_split(const CorpusSplit& split, const SplitResult& result,
                            const ShardSettings& settings, const std::filesystem::path& out) {
  const StageSeconds& stages = result.stages;
  OrderedJson json{{"split", split.name},
                   {"status", status_name(result.status)},
                   {"folder", escape_invalid_utf8((out / split.name).native())},
                   {"rows", split.rows.size()},
                   {"rejected", result.rejected.size()},
                   {"shards", result.shards},
                   {"shards_kept", result.shards_kept},
                   {"sample_rate", settings.sample_rate},
                   {"dtype", sample_type_name(settings.sample_type)},
                   {"channel", channel_name(settings.decode.channel)},
                   {"clipped_samples", result.clipped_samples}};
  OrderedJson rates = OrderedJson::object();
  for (const auto& [rate, utterances] : result.source_rates)
    rates[std::to_string(rate)] = utterances;
  json["source_rates"] = rates;
  if (result.status == SplitResult::Status::kDone) add_content(out / split.name, json);
  json["seconds"] = {{"total", stages.total},
                     {"decode", stages.decode},
                     {"resample", stages.resample},
                     {"convert", stages.convert},
                     {"write", stages.write}};
  json["jobs"] = settings.jobs;
  json["real_time_factor"] = stages.total > 0 ? result.seconds_processed / stages.total : 0.0;
  OrderedJson rejected = OrderedJson::array();
  for (const RejectedRow& item : result.rejected) {
    const CorpusRow& row = split.rows[item.row];
    rejected.push_back(
        {{"line", row.line}, {"id", escape_invalid_utf8(row.id)}, {"reason", item.reason}});
  }
  json["rejected_rows"] = rejected;
  summarize_notes(split, result.notes, json);
  return json;
}

void write_summary(const OrderedJson& splits, const std::string& destination) {
  const OrderedJson json{{"program", version_text("s2i-preprocess")}, {"splits", splits}};
  const std::string text = json.dump(2) + "\n";  // all strings are valid UTF-8
  if (destination != "-") {
    write_file_atomic(destination, text);
  } else {
    write_output(text);
    flush_output();
  }
}

void log_split(const CorpusSplit& split, const SplitResult& result, const ShardSettings& settings,
               const PartSelection& selection, const std::filesystem::path& out) {
  const auto level = settings.skip_bad ? spdlog::level::warn : spdlog::level::err;
  const size_t logged = std::min(result.rejected.size(), kMaxRowsLogged);
  for (size_t i = 0; i < logged; ++i) {
    const RejectedRow& rejected = result.rejected[i];
    spdlog::log(level, "{}:{}: {}", printable(split.csv.path.native()),
                split.rows[rejected.row].line, rejected.reason);
  }
  if (logged < result.rejected.size()) {
    spdlog::log(level, "{}: {} not shown; {}", printable(split.csv.path.native()),
                plural(result.rejected.size() - logged, "more bad row"),
                full_list_hint(settings, selection));
  }
  log_notes(split, result.notes);
  const std::string folder = printable((out / split.name).native());
  const std::string name =
      selection.part ? fmt::format("{}, part {}", split.name, selection.part->text()) : split.name;
  switch (result.status) {
    case SplitResult::Status::kStopped:
      spdlog::warn(
          "{}: stopped by signal {}; finished shards are kept, run the same command again to "
          "resume",
          name, result.signal);
      return;
    case SplitResult::Status::kBadRows:
      spdlog::error(
          "{}: {} of {} rows are bad, {}; fix them, or skip them with --skip-bad", name,
          result.rejected.size(), result.rows,
          selection.part ? "shards with bad rows were not written" : "no manifest was written");
      return;
    case SplitResult::Status::kDone:
      break;
  }
  if (!result.rejected.empty()) {
    spdlog::warn("{}: skipped {} of {} rows, see {}/rejected.csv{}", name, result.rejected.size(),
                 result.rows, folder, selection.part ? " after the merge" : "");
  }
  spdlog::info("{}: {} in {} in {}; {}", name,
               plural(result.rows - result.rejected.size(), "utterance"),
               plural(result.shards, "shard"), folder, describe_work(result, selection));
}

}  // namespace s2i
