#include "preprocess/merge_check.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <map>
#include <vector>

#include "core/error.h"
#include "core/ranges.h"
#include "preprocess/part.h"

namespace s2i {
namespace {

std::string problem_of(const FoundShard& shard, bool skip_bad) {
  switch (shard.state) {
    case FoundShard::State::kMissing:
      return "not made";
    case FoundShard::State::kOther:
      return shard.problem;
    case FoundShard::State::kNotWritten:
      return skip_bad ? "has bad rows and was made without --skip-bad" : "";
    case FoundShard::State::kWhole:
      break;
  }
  return "";
}

std::string shards_text(const std::vector<size_t>& shards) {
  constexpr size_t kMaxNamed = 10;
  if (shards.size() == 1) return fmt::format("shard {}", shards.front());
  if (shards.size() <= kMaxNamed) return fmt::format("shards {}", fmt::join(shards, ", "));
  return fmt::format("{} shards from {} to {}", shards.size(), shards.front(), shards.back());
}

}  // namespace

void refuse_unfinished(const std::string& split, std::span<const FoundShard> shards, size_t parts,
                       bool skip_bad) {
  constexpr size_t kMaxLines = 50;
  // Part -> problem -> shards: a thousand shards that are missing are one line a part.
  std::map<size_t, std::map<std::string, std::vector<size_t>>> unfinished;
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    const std::string problem = problem_of(shards[shard], skip_bad);
    if (!problem.empty()) unfinished[shard % parts + 1][problem].push_back(shard);
  }
  if (unfinished.empty()) return;
  std::vector<size_t> again;
  size_t lines = 0;
  for (const auto& [part, problems] : unfinished) {
    again.push_back(part);
    for (const auto& [problem, of_shards] : problems) {
      if (++lines > kMaxLines) continue;
      spdlog::error("{}: part {}/{}: {}: {}", split, part, parts, shards_text(of_shards), problem);
    }
  }
  if (lines > kMaxLines)
    spdlog::error("{}: and {} more lines like these", split, lines - kMaxLines);
  throw UserError(
      "{}: {} of {} parts are not finished, so nothing was merged; run --part I/{} again for I = "
      "{}, "
      "then --merge {}",
      split, again.size(), parts, parts, range_list(again), parts);
}

}  // namespace s2i
