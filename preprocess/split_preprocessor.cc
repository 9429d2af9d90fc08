#include "preprocess/split_preprocessor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "audio/resample.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/files.h"
#include "core/folder_lock.h"
#include "core/format.h"
#include "core/progress.h"
#include "core/stop_signal.h"
#include "core/unicode.h"
#include "data/dataset.h"
#include "data/manifest.h"
#include "preprocess/merge_validation.h"
#include "preprocess/ordered_workers.h"
#include "preprocess/utterance_processor.h"

namespace s2i {
namespace {

constexpr const char* kRejectedFile = "rejected.csv";

class SplitPreprocessor {
 public:
  SplitPreprocessor(const Corpus& corpus, const CorpusSplit& split, const ShardSettings& settings,
                    const PartSelection& selection, std::filesystem::path folder)
      : corpus_(corpus),
        split_(split),
        settings_(settings),
        selection_(selection),
        folder_(std::move(folder)),
        existing_(num_shards()) {
    for (size_t shard = 0; shard < num_shards(); ++shard) {
      if (selection_.part && !selection_.part->owns(shard)) continue;
      shards_.push_back(shard);
      result_.rows += rows_of(shard).end - rows_of(shard).first;
    }
    result_.shards = shards_.size();
  }

  SplitResult run() {
    const Stopwatch watch;
    check_existing_shards();
    if (selection_.merge_parts == 0) {
      write_missing_shards();
    } else if (!stopped()) {
      require_complete_parts(split_.name, existing_, selection_.merge_parts, settings_.skip_bad);
    }
    if (!stopped()) finish();
    result_.stages.total = watch.seconds();
    return std::move(result_);
  }

 private:
  size_t num_shards() const {
    return (split_.rows.size() + settings_.rows_per_shard - 1) / settings_.rows_per_shard;
  }
  RowRange rows_of(size_t shard) const {
    const size_t first = shard * settings_.rows_per_shard;
    return {first, std::min(first + settings_.rows_per_shard, split_.rows.size())};
  }

  /// Whether a stop signal was received. Updates the result.
  bool stopped();
  void check_existing_shards();
  void write_missing_shards();
  void finish_shard(size_t shard, const std::vector<ProcessedUtterance>& utterances);
  void count(const ProcessedUtterance& utterance);
  void finish();
  Manifest make_manifest() const;
  void write_rejected() const;

  const Corpus& corpus_;
  const CorpusSplit& split_;
  const ShardSettings& settings_;
  const PartSelection& selection_;
  const std::filesystem::path folder_;
  std::vector<ExistingShard> existing_;  ///< One per shard of the split.
  std::vector<size_t> shards_;           ///< The shards that this process handles.
  SplitResult result_;
};

bool SplitPreprocessor::stopped() {
  if (StopSignal::received() == 0) return false;
  result_.status = SplitResult::Status::kStopped;
  result_.signal = StopSignal::received();
  return true;
}

/// Multi-threaded, because a large corpus needs millions of stat() calls and reads of all shards.
void SplitPreprocessor::check_existing_shards() {
  constexpr double kQuietSeconds = 2;
  OrderedWorkers<ExistingShard> workers(shards_.size(), settings_.jobs, shards_.size(), [&] {
    return [&](size_t item) {
      const size_t shard = shards_[item];
      const RowRange rows = rows_of(shard);
      return check_existing_shard(
          folder_, shard, rows,
          shard_inputs(split_, rows, settings_.sample_rate, settings_.sample_type,
                       settings_.min_seconds, settings_.decode));
    };
  });
  ProgressBar progress("check shards of " + split_.name, static_cast<int64_t>(result_.shards));
  const Stopwatch watch;
  for (size_t item = 0; item < shards_.size() && !stopped(); ++item) {
    ExistingShard& shard_state = existing_[shards_[item]] = std::move(*workers.next());
    if (shard_state.state == ExistingShard::State::kComplete) ++result_.shards_kept;
    if (watch.seconds() > kQuietSeconds) progress.update(static_cast<int64_t>(item + 1));
  }
  if (result_.shards_kept > 0 && selection_.merge_parts == 0) {
    spdlog::info("{}: reusing {} of {} from an earlier run", split_.name, result_.shards_kept,
                 plural(result_.shards, "shard"));
  }
}

void SplitPreprocessor::write_missing_shards() {
  std::vector<size_t> rows;
  for (const size_t shard : shards_) {
    if (existing_[shard].state == ExistingShard::State::kComplete) continue;
    for (size_t row = rows_of(shard).first; row < rows_of(shard).end; ++row) rows.push_back(row);
  }
  if (rows.empty() || stopped()) return;
  OrderedWorkers<ProcessedUtterance> workers(
      rows.size(), settings_.jobs, std::max<size_t>(64, 16 * settings_.jobs), [&] {
        auto processor = std::make_shared<UtteranceProcessor>(
            settings_.sample_rate, settings_.min_seconds, settings_.decode, settings_.sample_type);
        return [&, processor](size_t item) { return processor->process(split_.rows[rows[item]]); };
      });
  ProgressBar progress("preprocess " + split_.name, static_cast<int64_t>(result_.rows));
  const Stopwatch watch;
  const size_t kept_rows = result_.rows - rows.size();
  std::vector<ProcessedUtterance> utterances;
  for (size_t item = 0; item < rows.size(); ++item) {
    utterances.push_back(std::move(*workers.next()));
    count(utterances.back());
    const size_t shard = rows[item] / settings_.rows_per_shard;
    if (rows[item] + 1 == rows_of(shard).end) {
      finish_shard(shard, utterances);
      utterances.clear();
    }
    progress.update(static_cast<int64_t>(kept_rows + item + 1),
                    fmt::format("{:.0f}x real time", result_.seconds_processed / watch.seconds()));
    if (stopped()) return;
  }
}

void SplitPreprocessor::count(const ProcessedUtterance& utterance) {
  const size_t samples = utterance.bytes / bytes_per_sample(settings_.sample_type);
  result_.seconds_processed += static_cast<double>(samples) / settings_.sample_rate;
  result_.stages.decode += utterance.decode_seconds;
  result_.stages.resample += utterance.resample_seconds;
  result_.stages.convert += utterance.convert_seconds;
}

void SplitPreprocessor::finish_shard(size_t shard,
                                     const std::vector<ProcessedUtterance>& utterances) {
  const Stopwatch watch;
  ResumeRecord record;
  record.inputs = existing_[shard].record.inputs;
  const size_t first_row = rows_of(shard).first;
  ShardHeader header;
  header.split = split_.name;
  header.sample_rate = static_cast<uint32_t>(settings_.sample_rate);
  header.sample_type = settings_.sample_type;
  header.channel = settings_.decode.channel;
  for (const KeptColumn& column : split_.columns) header.columns.push_back(column.name);
  std::vector<ShardUtterance> good;
  for (size_t i = 0; i < utterances.size(); ++i) {
    const CorpusRow& row = split_.rows[first_row + i];
    const ProcessedUtterance& utterance = utterances[i];
    if (!utterance.problem.empty()) {
      record.rejected.push_back({first_row + i, utterance.problem});
      continue;
    }
    good.push_back(
        {row.id, row.label, row.speaker, utterance.checksum, utterance.view(), row.columns});
    ++record.source_rates[utterance.source_rate];
    record.clipped_samples += utterance.clipped_samples;
    for (UtteranceNote note : utterance.notes) {
      note.row = first_row + i;
      record.notes.push_back(std::move(note));
    }
  }
  for (const auto& [rate, utterances_of_rate] : record.source_rates) {
    header.source_rates.push_back(rate);
    if (rate != header.sample_rate) header.resampler = resampler_name();
  }
  if (record.rejected.empty() || settings_.skip_bad) {
    record.shard = write_shard(folder_, shard, header, good);
    save_resume_record(folder_, shard, record);
  } else if (selection_.part) {
    save_resume_record(folder_, shard, record);  // the merge reports the bad rows
  }
  existing_[shard].record = std::move(record);
  result_.stages.write += watch.seconds();
}

void SplitPreprocessor::finish() {
  uint64_t utterances = 0;
  for (const size_t shard : shards_) {
    const ResumeRecord& record = existing_[shard].record;
    result_.rejected.insert(result_.rejected.end(), record.rejected.begin(), record.rejected.end());
    for (const auto& [rate, of_rate] : record.source_rates) result_.source_rates[rate] += of_rate;
    result_.clipped_samples += record.clipped_samples;
    result_.notes.insert(result_.notes.end(), record.notes.begin(), record.notes.end());
    utterances += record.shard.utterances;
  }
  if (!result_.rejected.empty() && !settings_.skip_bad) {
    result_.status = SplitResult::Status::kBadRows;
    return;
  }
  if (selection_.part) return;
  if (utterances == 0) {
    throw RunError("{}: no valid row among {}", split_.csv.path.string(),
                   plural(split_.rows.size(), "row"));
  }
  const Stopwatch watch;
  const Manifest manifest = make_manifest();
  write_rejected();
  write_manifest(folder_, manifest);
  remove_stale_files(folder_, manifest.shards);
  result_.stages.write += watch.seconds();
}

Manifest SplitPreprocessor::make_manifest() const {
  Manifest manifest;
  manifest.split = split_.name;
  manifest.sample_rate = static_cast<uint32_t>(settings_.sample_rate);
  manifest.sample_type = settings_.sample_type;
  manifest.channel = settings_.decode.channel;
  manifest.intents = corpus_.intents;
  manifest.speakers = split_.speakers;
  manifest.columns = split_.columns;
  std::vector<Shard> shards;
  for (const ExistingShard& shard_state : existing_) {
    const ShardEntry& entry = shard_state.record.shard;
    manifest.shards.push_back(entry);
    const Shard& shard = shards.emplace_back(folder_, entry, manifest.sample_type);
    const std::string problem = check_label_ranges(shard, manifest);
    S2I_CHECK(problem.empty(), "{}: {}", shard.path().string(), problem);
  }
  manifest.content_checksum = content_checksum(manifest, shards);
  return manifest;
}

/// Writes the rejected rows with their line numbers and reasons. The other columns are those of the
/// corpus, so that corrected rows can be preprocessed again. Invalid UTF-8 is escaped.
void SplitPreprocessor::write_rejected() const {
  const std::filesystem::path path = folder_ / kRejectedFile;
  if (result_.rejected.empty()) {
    std::filesystem::remove(path);
    return;
  }
  std::vector<std::string> header{"line", "reason"};
  header.insert(header.end(), split_.csv.header.begin(), split_.csv.header.end());
  std::string text = escape_invalid_utf8(csv_line(header));
  for (const RejectedRow& rejected : result_.rejected) {
    const CsvRow& row = split_.csv.rows[rejected.row];
    std::vector<std::string> fields{std::to_string(row.line), rejected.reason};
    fields.insert(fields.end(), row.fields.begin(), row.fields.end());
    text += escape_invalid_utf8(csv_line(fields));
  }
  write_file_atomic(path, text);
}

}  // namespace

SplitResult preprocess_split(const Corpus& corpus, const CorpusSplit& split,
                             const ShardSettings& settings, const PartSelection& selection,
                             const std::filesystem::path& out) {
  const std::filesystem::path folder = out / split.name;
  make_output_folder(folder / kResumeFolder);
  make_output_folder(folder);
  // Processes that write a part remove nothing, so that any number of them may run at once. A run
  // without parts and a merge remove files, and must be alone.
  const FolderLock lock(
      folder, lock_holder(), /*wait_seconds=*/0, [] { return false; },
      selection.part ? LockMode::kShared : LockMode::kExclusive);
  return SplitPreprocessor(corpus, split, settings, selection, folder).run();
}

}  // namespace s2i
