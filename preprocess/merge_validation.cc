#include "preprocess/merge_validation.h"

#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <map>
#include <vector>

#include "core/error.h"
#include "core/format.h"
#include "core/ranges.h"
#include "preprocess/part.h"

namespace s2i {
namespace {

std::string problem_of(const ExistingShard& shard, bool skip_bad) {
  switch (shard.state) {
    case ExistingShard::State::kMissing:
      return "missing";
    case ExistingShard::State::kInvalid:
      return shard.problem;
    case ExistingShard::State::kHasBadRows:
      return skip_bad ? "has bad rows and was processed without --skip-bad" : "";
    case ExistingShard::State::kComplete:
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

void require_complete_parts(const std::string& split, std::span<const ExistingShard> shards,
                            size_t parts, bool skip_bad) {
  constexpr size_t kMaxLines = 50;
  // Part -> problem -> shards, so that many shards with one problem give one line per part.
  std::map<size_t, std::map<std::string, std::vector<size_t>>> incomplete;
  for (size_t shard = 0; shard < shards.size(); ++shard) {
    const std::string problem = problem_of(shards[shard], skip_bad);
    if (!problem.empty()) incomplete[shard % parts + 1][problem].push_back(shard);
  }
  if (incomplete.empty()) return;
  std::vector<size_t> incomplete_parts;
  size_t lines = 0;
  for (const auto& [part, problems] : incomplete) {
    incomplete_parts.push_back(part);
    for (const auto& [problem, affected] : problems) {
      if (++lines > kMaxLines) continue;
      spdlog::error("{}: part {}/{}: {}: {}", split, part, parts, shards_text(affected), problem);
    }
  }
  if (lines > kMaxLines) {
    spdlog::error("{}: {} not shown", split, plural(lines - kMaxLines, "more problem"));
  }
  throw UserError(
      "{}: {} of {} parts are incomplete, nothing was merged; run --part I/{} again for I = {}, "
      "then --merge {}",
      split, incomplete_parts.size(), parts, parts, range_list(incomplete_parts), parts);
}

}  // namespace s2i
