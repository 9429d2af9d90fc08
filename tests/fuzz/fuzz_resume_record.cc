#include "fuzzing.h"
#include "preprocess/resume_record.h"

using namespace s2i;

namespace {

constexpr RowRange kRows = {0, 3};
constexpr const char* kShard = "shard-00000-00000000.h5";

}  // namespace

// The bytes are the record of a shard, beside which an empty one lies: no more is read of it than
// its size and checksum.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const FuzzFolder folder;
  static const ShardInputs inputs = {{"version", "1"}};
  std::filesystem::create_directories(folder.path() / kResumeFolder);
  folder.write(kShard, "");
  folder.write(std::string(kResumeFolder) + "/shard-00000.json", text_of(data, size));
  return read_or_refuse([&] {
    const FoundShard found = find_shard(folder.path(), 0, kRows, inputs);
    S2I_CHECK(found.state != FoundShard::State::kMissing);
    S2I_CHECK(found.record.inputs == inputs);
    S2I_CHECK(found.problem.empty() == (found.state != FoundShard::State::kOther));
    if (found.state == FoundShard::State::kOther) return;
    for (const Rejection& rejection : found.record.rejected) {
      S2I_CHECK(rejection.row >= kRows.first && rejection.row < kRows.end);
    }
    const bool whole = found.state == FoundShard::State::kWhole;
    S2I_CHECK(found.record.shard.file == (whole ? kShard : ""));
    // What is found is written as it was read.
    save_resume_record(folder.path(), 0, found.record);
    const FoundShard again = find_shard(folder.path(), 0, kRows, inputs);
    S2I_CHECK(again.state == found.state);
    S2I_CHECK(again.record.source_rates == found.record.source_rates);
    S2I_CHECK(again.record.rejected.size() == found.record.rejected.size());
    S2I_CHECK(to_json(again.record.shard) == to_json(found.record.shard));
  });
}
