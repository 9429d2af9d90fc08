#include "preprocess/split_job.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "audio/resample.h"
#include "core/checksum.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/files.h"
#include "core/progress.h"
#include "core/stop_signal.h"
#include "data/dataset.h"
#include "data/manifest.h"
#include "preprocess/ordered_workers.h"
#include "preprocess/utterance_worker.h"

namespace s2i {
namespace {

constexpr const char* kRejectedFile = "rejected.csv";

/// Two programs writing one folder would remove each other's shards.
FileDescriptor lock_folder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kResumeFolder / "lock";
  FileDescriptor lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (lock.get() < 0) {
    throw UserError("cannot write {}: {}; choose another --out", path.string(), errno_text(errno));
  }
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    throw UserError("another s2i-preprocess is writing {}; wait for it", folder.string());
  }
  return lock;
}

class FingerprintStream {
 public:
  void add(uint64_t value) { stream_.update(std::as_bytes(std::span(&value, 1))); }
  void add(const std::string& text) {
    add(text.size());
    stream_.update(std::as_bytes(std::span(text)));
  }
  uint64_t value() const { return stream_.value(); }

 private:
  ChecksumStream stream_;
};

class SplitJob {
 public:
  SplitJob(const Corpus& corpus, const CorpusSplit& split, const ShardSettings& settings,
           std::filesystem::path folder)
      : corpus_(corpus), split_(split), settings_(settings), folder_(std::move(folder)) {}

  SplitResult run() {
    const Stopwatch watch;
    find_finished_shards();
    write_missing_shards();
    if (result_.status != SplitResult::Status::kStopped) finish();
    result_.stages.total = watch.seconds();
    return std::move(result_);
  }

 private:
  size_t num_shards() const {
    return (split_.rows.size() + settings_.rows_per_shard - 1) / settings_.rows_per_shard;
  }
  size_t first_row(size_t shard) const { return shard * settings_.rows_per_shard; }
  size_t end_row(size_t shard) const {
    return std::min(first_row(shard) + settings_.rows_per_shard, split_.rows.size());
  }

  /// Everything that the bytes of a shard depend on.
  uint64_t fingerprint(size_t shard) const;
  void find_finished_shards();
  void write_missing_shards();
  void finish_shard(size_t shard, const std::vector<PreparedUtterance>& utterances);
  void count(const PreparedUtterance& utterance);
  void finish();
  Manifest make_manifest() const;
  void write_rejected() const;

  const Corpus& corpus_;
  const CorpusSplit& split_;
  const ShardSettings& settings_;
  const std::filesystem::path folder_;
  std::vector<std::optional<ResumeRecord>> records_;
  std::vector<uint64_t> fingerprints_;
  SplitResult result_;
};

uint64_t SplitJob::fingerprint(size_t shard) const {
  FingerprintStream stream;
  stream.add(std::string(S2I_VERSION));
  stream.add(kShardVersion);
  stream.add(resampler_name());
  stream.add(split_.name);
  stream.add(static_cast<uint64_t>(settings_.sample_rate));
  stream.add(sample_type_name(settings_.sample_type));
  stream.add(fmt::format("{}", settings_.max_seconds));
  stream.add(first_row(shard));
  for (size_t i = first_row(shard); i < end_row(shard); ++i) {
    const CorpusRow& row = split_.rows[i];
    stream.add(row.id);
    stream.add(static_cast<uint64_t>(row.label));
    stream.add(static_cast<uint64_t>(row.speaker));
    stream.add(row.audio.string());
    stream.add(row.problem);
    struct stat status {};
    if (::stat(row.audio.c_str(), &status) != 0) continue;
    stream.add(static_cast<uint64_t>(status.st_size));
    stream.add(static_cast<uint64_t>(status.st_mtim.tv_sec));
    stream.add(static_cast<uint64_t>(status.st_mtim.tv_nsec));
  }
  return stream.value();
}

void SplitJob::find_finished_shards() {
  result_.shards = num_shards();
  records_.resize(num_shards());
  for (size_t shard = 0; shard < num_shards(); ++shard) {
    fingerprints_.push_back(fingerprint(shard));
    records_[shard] = load_resume_record(folder_, shard, fingerprints_[shard]);
    if (records_[shard]) ++result_.shards_kept;
  }
  if (result_.shards_kept > 0) {
    spdlog::info("{}: {} of {} shards are there from an earlier run and check out", split_.name,
                 result_.shards_kept, num_shards());
  }
}

void SplitJob::write_missing_shards() {
  std::vector<size_t> rows;
  for (size_t shard = 0; shard < num_shards(); ++shard) {
    if (records_[shard]) continue;
    for (size_t row = first_row(shard); row < end_row(shard); ++row) rows.push_back(row);
  }
  if (rows.empty()) return;
  OrderedWorkers<PreparedUtterance> workers(
      rows.size(), settings_.jobs, std::max<size_t>(64, 16 * settings_.jobs), [&] {
        auto worker = std::make_shared<UtteranceWorker>(
            settings_.sample_rate, settings_.max_seconds, settings_.sample_type);
        return [&, worker](size_t item) { return worker->prepare(split_.rows[rows[item]]); };
      });
  ProgressBar progress("preprocess " + split_.name, static_cast<int64_t>(split_.rows.size()));
  const Stopwatch watch;
  const size_t kept_rows = split_.rows.size() - rows.size();
  std::vector<PreparedUtterance> utterances;
  for (size_t item = 0; item < rows.size(); ++item) {
    utterances.push_back(std::move(*workers.next()));
    count(utterances.back());
    const size_t shard = rows[item] / settings_.rows_per_shard;
    if (rows[item] + 1 == end_row(shard)) {
      finish_shard(shard, utterances);
      utterances.clear();
    }
    progress.update(static_cast<int64_t>(kept_rows + item + 1),
                    fmt::format("{:.0f}x real time", result_.seconds_processed / watch.seconds()));
    if (StopSignal::received() != 0) {
      result_.status = SplitResult::Status::kStopped;
      result_.signal = StopSignal::received();
      return;
    }
  }
}

void SplitJob::count(const PreparedUtterance& utterance) {
  const size_t samples = utterance.bytes / bytes_per_sample(settings_.sample_type);
  result_.seconds_processed += static_cast<double>(samples) / settings_.sample_rate;
  result_.stages.decode += utterance.decode_seconds;
  result_.stages.resample += utterance.resample_seconds;
  result_.stages.convert += utterance.convert_seconds;
}

void SplitJob::finish_shard(size_t shard, const std::vector<PreparedUtterance>& utterances) {
  const Stopwatch watch;
  ResumeRecord record;
  record.fingerprint = fingerprints_[shard];
  ShardHeader header;
  header.split = split_.name;
  header.sample_rate = static_cast<uint32_t>(settings_.sample_rate);
  header.sample_type = settings_.sample_type;
  std::vector<ShardUtterance> good;
  for (size_t i = 0; i < utterances.size(); ++i) {
    const CorpusRow& row = split_.rows[first_row(shard) + i];
    const PreparedUtterance& utterance = utterances[i];
    if (!utterance.problem.empty()) {
      record.rejected.push_back({first_row(shard) + i, utterance.problem});
      continue;
    }
    good.push_back({row.id, row.label, row.speaker, utterance.checksum, utterance.view()});
    ++record.source_rates[utterance.source_rate];
    record.clipped_samples += utterance.clipped_samples;
  }
  for (const auto& [rate, utterances_of_rate] : record.source_rates) {
    header.source_rates.push_back(rate);
    if (rate != header.sample_rate) header.resampler = resampler_name();
  }
  if (record.rejected.empty() || settings_.skip_bad) {
    record.shard = write_shard(folder_, shard, header, good);
    save_resume_record(folder_, shard, record);
  }
  records_[shard] = std::move(record);
  result_.stages.write += watch.seconds();
}

void SplitJob::finish() {
  uint64_t utterances = 0;
  for (const auto& record : records_) {
    result_.rejected.insert(result_.rejected.end(), record->rejected.begin(),
                            record->rejected.end());
    for (const auto& [rate, of_rate] : record->source_rates) result_.source_rates[rate] += of_rate;
    result_.clipped_samples += record->clipped_samples;
    utterances += record->shard.utterances;
  }
  if (!result_.rejected.empty() && !settings_.skip_bad) {
    result_.status = SplitResult::Status::kBadRows;
    return;
  }
  if (utterances == 0) {
    throw RunError("{}: none of its {} rows is good", split_.csv.path.string(), split_.rows.size());
  }
  const Stopwatch watch;
  const Manifest manifest = make_manifest();
  write_rejected();
  write_manifest(folder_, manifest);
  remove_stale_files(folder_, manifest.shards);
  result_.stages.write += watch.seconds();
}

Manifest SplitJob::make_manifest() const {
  Manifest manifest;
  manifest.split = split_.name;
  manifest.sample_rate = static_cast<uint32_t>(settings_.sample_rate);
  manifest.sample_type = settings_.sample_type;
  manifest.intents = corpus_.intents;
  manifest.speakers = split_.speakers;
  std::vector<Shard> shards;
  for (const auto& record : records_) {
    manifest.shards.push_back(record->shard);
    const Shard& shard = shards.emplace_back(folder_, record->shard, manifest.sample_type);
    const std::string problem = compare_with_manifest(shard, record->shard, manifest);
    S2I_CHECK(problem.empty(), "{}: {}", shard.path().string(), problem);
  }
  manifest.content_checksum = content_checksum(manifest, shards);
  return manifest;
}

/// The rows as the corpus has them, with their line and what is wrong, to be mended and taken in
/// again.
void SplitJob::write_rejected() const {
  const std::filesystem::path path = folder_ / kRejectedFile;
  if (result_.rejected.empty()) {
    std::filesystem::remove(path);
    return;
  }
  std::vector<std::string> header{"line", "reason"};
  header.insert(header.end(), split_.csv.header.begin(), split_.csv.header.end());
  std::string text = csv_line(header);
  for (const auto& rejection : result_.rejected) {
    const CsvRow& row = split_.csv.rows[rejection.row];
    std::vector<std::string> fields{std::to_string(row.line), rejection.reason};
    fields.insert(fields.end(), row.fields.begin(), row.fields.end());
    text += csv_line(fields);
  }
  write_file_atomic(path, text);
}

}  // namespace

SplitResult run_split(const Corpus& corpus, const CorpusSplit& split, const ShardSettings& settings,
                      const std::filesystem::path& out) {
  const std::filesystem::path folder = out / split.name;
  make_output_folder(folder / kResumeFolder);
  make_output_folder(folder);
  const FileDescriptor lock = lock_folder(folder);
  return SplitJob(corpus, split, settings, folder).run();
}

}  // namespace s2i
