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

/// Whether damage was accepted changes only shards that met some, or rows that were rejected for
/// it.
bool depends_on_accepting(const ResumeRecord& record) {
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
  // A reason names a file as the corpus writes it, which need not be UTF-8.
  const std::string text = json.dump(2, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
  const std::filesystem::path path = folder / kResumeFolder / record_name(index);
  AtomicFile file(path, unique_temporary(path));
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

FoundShard find_shard(const std::filesystem::path& folder, size_t index, RowRange rows,
                      ShardInputs inputs) {
  using State = FoundShard::State;
  FoundShard found;
  const auto end = [&](State state, std::string problem = "") {
    found.state = state;
    found.problem = std::move(problem);
    found.record.inputs = std::move(inputs);
    return std::move(found);
  };
  const std::filesystem::path path = folder / kResumeFolder / record_name(index);
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return end(State::kMissing);
  try {
    found.record = parse_record(read_json(path), path.string());
    const auto accepting = inputs.find(kAcceptDamagedInput);
    if (accepting != inputs.end() && !depends_on_accepting(found.record)) {
      found.record.inputs[kAcceptDamagedInput] = accepting->second;
    }
    const std::string difference = differences(found.record.inputs, inputs);
    if (!difference.empty()) return end(State::kOther, "made from " + difference);
    const ShardEntry& entry = found.record.shard;
    for (const Rejection& rejection : found.record.rejected) {
      if (rejection.row < rows.first || rejection.row >= rows.end) {
        return end(State::kOther, "its record is damaged");
      }
    }
    for (const UtteranceNote& note : found.record.notes) {
      if (note.row < rows.first || note.row >= rows.end) {
        return end(State::kOther, "its record is damaged");
      }
    }
    if (entry.file.empty() && !found.record.rejected.empty()) return end(State::kNotWritten);
    if (entry.file.empty()) return end(State::kOther, "its record is damaged");
    const std::filesystem::path shard = folder / entry.file;
    if (!std::filesystem::exists(shard, error)) return end(State::kOther, entry.file + " is gone");
    if (std::filesystem::file_size(shard) != entry.bytes ||
        checksum_file(shard) != entry.checksum) {
      return end(State::kOther, entry.file + " is damaged");
    }
    return end(State::kWhole);
  } catch (const std::runtime_error& reason) {
    return end(State::kOther, reason.what());  // cannot be read: the shard is made again
  }
}

void remove_stale_files(const std::filesystem::path& folder,
                        const std::vector<ShardEntry>& shards) {
  std::set<std::string> wanted;
  for (size_t i = 0; i < shards.size(); ++i) {
    wanted.insert(shards[i].file);
    wanted.insert(record_name(i));
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (is_shard_name(name) && !wanted.contains(name)) std::filesystem::remove(entry.path());
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder / kResumeFolder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("shard-") && !wanted.contains(name)) std::filesystem::remove(entry.path());
  }
}

}  // namespace s2i
