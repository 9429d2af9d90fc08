#include "preprocess/resume_record.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "core/checksum.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace s2i {
namespace {

std::string record_name(size_t index) { return fmt::format("shard-{:05}.json", index); }

ResumeRecord parse_record(const Json& json, const std::string& where) {
  ResumeRecord record;
  record.inputs = json_get<ShardInputs>(json, "inputs", where);
  const auto shard = json_get<Json>(json, "shard", where);
  if (!shard.is_null()) record.shard = shard_entry_from_json(shard, where);
  record.clipped_samples = json_get<uint64_t>(json, "clipped_samples", where);
  for (const Json& item : json_get<std::vector<Json>>(json, "rejected", where)) {
    record.rejected.push_back(
        {json_get<size_t>(item, "row", where), json_get<std::string>(item, "reason", where)});
  }
  for (const Json& item : json_get<std::vector<Json>>(json, "source_rates", where)) {
    record.source_rates.emplace(json_get<uint32_t>(item, "rate", where),
                                json_get<uint64_t>(item, "utterances", where));
  }
  record.notes = notes_from_json(json, where);
  return record;
}

/// Whether --accept-damaged can change the shard: only if it has damaged files or rejected rows.
bool depends_on_accept_damaged(const ResumeRecord& record) {
  return !record.rejected.empty() ||
         std::any_of(record.notes.begin(), record.notes.end(),
                     [](const UtteranceNote& note) { return note.kind == NoteKind::kDamaged; });
}

}  // namespace

void save_resume_record(const std::filesystem::path& folder, size_t index,
                        const ResumeRecord& record) {
  OrderedJson rejected = OrderedJson::array();
  for (const auto& item : record.rejected) {
    rejected.push_back({{"row", item.row}, {"reason", item.reason}});
  }
  OrderedJson rates = OrderedJson::array();
  for (const auto& [rate, count] : record.source_rates) {
    rates.push_back({{"rate", rate}, {"utterances", count}});
  }
  const bool written = !record.shard.file.empty();
  const OrderedJson json{
      {"inputs", record.inputs}, {"shard", written ? to_json(record.shard) : OrderedJson()},
      {"source_rates", rates},   {"clipped_samples", record.clipped_samples},
      {"rejected", rejected},    {"notes", to_json(record.notes)}};
  const std::string text = json.dump(2) + "\n";  // reasons and notes are UTF-8
  const std::filesystem::path path = folder / kResumeFolder / record_name(index);
  AtomicFile file(path, unique_temporary(path));
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

ExistingShard check_existing_shard(const std::filesystem::path& folder, size_t index, RowRange rows,
                                   ShardInputs inputs) {
  using State = ExistingShard::State;
  ExistingShard found;
  const auto result = [&](State state, std::string problem = "") {
    found.state = state;
    found.problem = std::move(problem);
    found.record.inputs = std::move(inputs);
    return std::move(found);
  };
  const std::filesystem::path path = folder / kResumeFolder / record_name(index);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return result(State::kMissing);
  try {
    found.record = parse_record(read_json(path), path.string());
    const auto accept_damaged = inputs.find(kAcceptDamagedInput);
    if (accept_damaged != inputs.end() && !depends_on_accept_damaged(found.record)) {
      found.record.inputs[kAcceptDamagedInput] = accept_damaged->second;
    }
    const std::string difference = describe_differences(found.record.inputs, inputs);
    if (!difference.empty()) return result(State::kInvalid, "different inputs: " + difference);
    const ShardEntry& entry = found.record.shard;
    for (const RejectedRow& rejected : found.record.rejected) {
      if (rejected.row < rows.first || rejected.row >= rows.end) {
        return result(State::kInvalid, "the resume record is corrupt");
      }
    }
    for (const UtteranceNote& note : found.record.notes) {
      if (note.row < rows.first || note.row >= rows.end) {
        return result(State::kInvalid, "the resume record is corrupt");
      }
    }
    if (entry.file.empty() && !found.record.rejected.empty()) return result(State::kHasBadRows);
    if (entry.file.empty()) return result(State::kInvalid, "the resume record is corrupt");
    const std::filesystem::path shard = folder / entry.file;
    if (!std::filesystem::exists(shard, error)) {
      return result(State::kInvalid, entry.file + " is missing");
    }
    if (std::filesystem::file_size(shard) != entry.bytes ||
        checksum_file(shard) != entry.checksum) {
      return result(State::kInvalid, entry.file + " is corrupt");
    }
    return result(State::kComplete);
  } catch (const std::runtime_error& reason) {
    return result(State::kInvalid, reason.what());
  }
}

void remove_stale_files(const std::filesystem::path& folder,
                        const std::vector<ShardEntry>& shards) {
  std::set<std::string> keep;
  for (size_t i = 0; i < shards.size(); ++i) {
    keep.insert(shards[i].file);
    keep.insert(record_name(i));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_shard_name(name) && !keep.contains(name)) std::filesystem::remove(entry.path());
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / kResumeFolder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("shard-") && !keep.contains(name)) std::filesystem::remove(entry.path());
  }
}

}  // namespace s2i
