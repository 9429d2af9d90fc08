#include "preprocess/summary.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/program.h"
#include "core/progress.h"
#include "data/dataset.h"

namespace s2i {
namespace {

constexpr size_t kMaxRowsLogged = 20;

struct Share {
  uint64_t utterances = 0;
  double seconds = 0;
};

OrderedJson shares_json(const std::vector<std::string>& names, const std::vector<Share>& shares) {
  OrderedJson json = OrderedJson::object();
  for (size_t i = 0; i < names.size(); ++i) {
    json[names[i]] = {{"utterances", shares[i].utterances}, {"seconds", shares[i].seconds}};
  }
  return json;
}

/// What stands in the finished shards; also shows that they open.
void add_content(const std::filesystem::path& folder, OrderedJson& json) {
  const Dataset dataset(folder);
  std::vector<Share> intents(dataset.intents().size());
  std::vector<Share> speakers(dataset.speakers().size());
  double seconds = 0;
  double longest = 0;
  for (size_t i = 0; i < dataset.size(); ++i) {
    const double length = dataset.seconds(i);
    for (Share* share : {&intents[static_cast<size_t>(dataset.label(i))],
                         &speakers[static_cast<size_t>(dataset.speaker(i))]}) {
      ++share->utterances;
      share->seconds += length;
    }
    seconds += length;
    longest = std::max(longest, length);
  }
  json["utterances"] = dataset.size();
  json["hours"] = seconds / 3600;
  json["seconds_mean"] = dataset.size() == 0 ? 0.0 : seconds / static_cast<double>(dataset.size());
  json["seconds_longest"] = longest;
  json["dataset_checksum"] = checksum_text(dataset.checksum());
  json["intents"] = shares_json(dataset.intents(), intents);
  json["speakers"] = shares_json(dataset.speakers(), speakers);
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

std::string work_text(const SplitResult& result, const Portion& portion) {
  if (portion.merge_parts > 0) return fmt::format("merged from {} parts", portion.merge_parts);
  if (result.shards_kept == result.shards) return "nothing to do";
  return fmt::format("{} of audio in {:.1f} s ({:.0f}x real time)",
                     duration_text(result.seconds_processed), result.stages.total,
                     result.seconds_processed / result.stages.total);
}

/// Of the rejected rows. A part writes neither.
const char* where_all_are(const ShardSettings& settings, const Portion& portion) {
  if (portion.part)
    return "--merge names them all: in its --summary, and with --skip-bad in rejected.csv";
  return settings.skip_bad ? "rejected.csv has them all"
                           : "--summary names them all, and with --skip-bad rejected.csv does";
}

}  // namespace

OrderedJson summarize_split(const CorpusSplit& split, const SplitResult& result,
                            const ShardSettings& settings, const std::filesystem::path& out) {
  const StageSeconds& stages = result.stages;
  OrderedJson json{{"split", split.name},
                   {"status", status_name(result.status)},
                   {"folder", (out / split.name).string()},
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
  for (const auto& rejection : result.rejected) {
    const CorpusRow& row = split.rows[rejection.row];
    rejected.push_back({{"line", row.line}, {"id", row.id}, {"reason", rejection.reason}});
  }
  json["rejected_rows"] = rejected;
  summarize_notes(split, result.notes, json);
  return json;
}

void write_summary(const OrderedJson& splits, const std::string& destination) {
  const OrderedJson json{{"program", version_text("s2i-preprocess")}, {"splits", splits}};
  // Paths and reasons may hold bytes that are not UTF-8.
  const std::string text = json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  if (destination != "-") {
    write_file_atomic(destination, text);
  } else if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    throw RunError("cannot write the summary to standard output");
  }
}

void log_split(const CorpusSplit& split, const SplitResult& result, const ShardSettings& settings,
               const Portion& portion, const std::filesystem::path& out) {
  const auto level = settings.skip_bad ? spdlog::level::warn : spdlog::level::err;
  const size_t logged = std::min(result.rejected.size(), kMaxRowsLogged);
  for (size_t i = 0; i < logged; ++i) {
    const Rejection& rejection = result.rejected[i];
    spdlog::log(level, "{}:{}: {}", split.csv.path.string(), split.rows[rejection.row].line,
                rejection.reason);
  }
  if (logged < result.rejected.size()) {
    spdlog::log(level, "{}: and {} more like these; {}", split.csv.path.string(),
                result.rejected.size() - logged, where_all_are(settings, portion));
  }
  log_notes(split, result.notes);
  const std::string folder = (out / split.name).string();
  const std::string name =
      portion.part ? fmt::format("{}, part {}", split.name, portion.part->text()) : split.name;
  switch (result.status) {
    case SplitResult::Status::kStopped:
      spdlog::warn(
          "{}: stopped by signal {}; finished shards are kept, the same command goes on from "
          "there",
          name, result.signal);
      return;
    case SplitResult::Status::kBadRows:
      spdlog::error(
          "{}: {} of {} rows are bad, so no {}; mend them, or leave them out with --skip-bad", name,
          result.rejected.size(), result.rows,
          portion.part ? "shard with one was written" : "manifest was written");
      return;
    case SplitResult::Status::kDone:
      break;
  }
  if (!result.rejected.empty()) {
    spdlog::warn("{}: {} of {} rows {} left out, see {}/rejected.csv{}", name,
                 result.rejected.size(), result.rows, portion.part ? "are" : "were", folder,
                 portion.part ? " after the merge" : "");
  }
  spdlog::info("{}: {} utterances in {} shards in {}; {}", name,
               result.rows - result.rejected.size(), result.shards, folder,
               work_text(result, portion));
}

}  // namespace s2i
