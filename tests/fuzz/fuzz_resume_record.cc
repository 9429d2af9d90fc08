#include "fuzzing.h"
#include "preprocess/resume_record.h"

using namespace s2i;

namespace {

constexpr RowRange kRows = {0, 3};
constexpr const char* kShard = "shard-00000-00000000.h5";

}  // namespace

// The input is a resume record. The shard that it refers to is an empty file, because only its size
// and checksum are read.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  static const ShardInputs inputs = {{"version", "1"}};
  std::filesystem::create_directories(folder.path() / kResumeFolder);
  folder.write(kShard, "");
  folder.write(std::string(kResumeFolder) + "/shard-00000.json", text_of(data, size));
  return accept_or_reject([&] {
    using State = ExistingShard::State;
    const ExistingShard found = check_existing_shard(folder.path(), 0, kRows, inputs);
    S2I_CHECK(found.state != State::kMissing);
    S2I_CHECK(found.record.inputs == inputs);
    S2I_CHECK(found.problem.empty() == (found.state != State::kInvalid));
    if (found.state == State::kInvalid) return;
    for (const RejectedRow& rejected : found.record.rejected) {
      S2I_CHECK(rejected.row >= kRows.first && rejected.row < kRows.end);
    }
    const bool complete = found.state == State::kComplete;
    S2I_CHECK(found.record.shard.file == (complete ? kShard : ""));
    // The record survives a round trip.
    save_resume_record(folder.path(), 0, found.record);
    const ExistingShard again = check_existing_shard(folder.path(), 0, kRows, inputs);
    S2I_CHECK(again.state == found.state);
    S2I_CHECK(again.record.source_rates == found.record.source_rates);
    S2I_CHECK(again.record.rejected.size() == found.record.rejected.size());
    S2I_CHECK(to_json(again.record.shard) == to_json(found.record.shard));
  });
}
