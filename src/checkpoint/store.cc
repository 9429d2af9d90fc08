#include "checkpoint/store.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include "checkpoint/format.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStep = "step-";
// Hidden names: these folders are not checkpoints.
constexpr std::string_view kWriting = ".writing-";
constexpr std::string_view kReplaced = ".replaced-";
constexpr std::string_view kRemoved = ".removed-";

std::string step_name(int64_t step) { return fmt::format("{}{:08}", kStep, step); }

void sync_tree(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) sync_path(entry.path());
  sync_path(folder);
}

bool there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

bool has_nonfinite_steps(const fs::path& checkpoint) {
  const std::string where = (checkpoint / "run_state.json").string();
  return json_get_or<int64_t>(read_json(where), "consecutive_nonfinite_steps", 0, where) > 0;
}

/// Names, sizes and times of all files in a folder. They change with every write.
std::string state_of_files(const fs::path& folder) {
  std::set<std::string> lines;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto written = entry.last_write_time().time_since_epoch().count();
    lines.insert(fmt::format("{} {} {}", entry.path().string(),
                             entry.is_regular_file() ? entry.file_size() : 0, written));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

int64_t step_of(const fs::path& checkpoint) {
  const std::string name = checkpoint.filename().string();
  if (!name.starts_with(kStep)) return -1;
  int64_t step = -1;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + kStep.size(), end, step);
  return error == std::errc() && stop == end && step >= 0 && name == step_name(step) ? step : -1;
}

std::vector<fs::path> list_checkpoints(const fs::path& checkpoints) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(checkpoints)) {
    if (step_of(entry.path()) >= 0) found.push_back(entry.path());
  }
  std::sort(found.begin(), found.end(),
            [](const fs::path& a, const fs::path& b) { return step_of(a) < step_of(b); });
  return found;
}

void put_in_place(const fs::path& temporary, const fs::path& path, const fs::path& replaced) {
  try {
    sync_tree(temporary);
    if (there(path)) {
      fs::remove_all(replaced);
      rename_durable(path, replaced);
    }
    rename_durable(temporary, path);
  } catch (const std::exception& error) {
    std::error_code ignored;
    if (there(replaced) && !there(path)) fs::rename(replaced, path, ignored);
    throw RunError("{}", error.what());
  }
  std::error_code left_for_the_next;
  fs::remove_all(replaced, left_for_the_next);
}

CheckpointStore::CheckpointStore(const fs::path& run_dir)
    : run_dir_(run_dir), dir_(run_dir / "checkpoints") {
  make_output_folder(dir_);
}

fs::path CheckpointStore::at(int64_t step) const { return dir_ / step_name(step); }

void CheckpointStore::recover() const {
  try {
    // The folders may be new, so their entries must be flushed too.
    const fs::path absolute = fs::absolute(run_dir_);
    sync_path(absolute);
    sync_path(absolute.parent_path());
    std::vector<fs::path> hidden;
    for (const auto& entry : fs::directory_iterator(dir_)) {
      if (entry.path().filename().string().starts_with(".")) hidden.push_back(entry.path());
    }
    for (const auto& path : hidden) {
      const std::string name = path.filename().string();
      if (name.starts_with(kReplaced)) {
        const fs::path replaced = dir_ / name.substr(kReplaced.size());
        if (!there(replaced)) {
          rename_durable(path, replaced);
          continue;
        }
      } else if (!name.starts_with(kWriting) && !name.starts_with(kRemoved)) {
        continue;  // written by another program
      }
      fs::remove_all(path);
    }
    for (fs::path link : {best(), last()}) fs::remove(link += ".tmp");
  } catch (const fs::filesystem_error& error) {
    throw RunError("cannot remove incomplete checkpoints in {}: {}", dir_.string(), error.what());
  }
}

fs::path CheckpointStore::save(int64_t step, bool is_best,
                               const std::function<void(const fs::path&)>& write_content) {
  fs::path final_path = at(step);
  const fs::path temporary = dir_ / (std::string(kWriting) + step_name(step));
  const fs::path replaced = dir_ / (std::string(kReplaced) + step_name(step));
  try {
    fs::remove_all(temporary);
    fs::create_directories(temporary);
    write_content(temporary);
    write_checksums(temporary);
    // A checkpoint of the same step may exist: a corrupt one, or one saved before its validation.
    put_in_place(temporary, final_path, replaced);
  } catch (const std::exception& error) {
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    throw RunError("cannot write the checkpoint {}: {}; the previous one is unchanged",
                   final_path.string(), error.what());
  }
  mark_last(step);
  if (is_best) mark_best(step);
  return final_path;
}

void CheckpointStore::mark_best(int64_t step) const { point(best(), step); }
void CheckpointStore::mark_last(int64_t step) const { point(last(), step); }

void CheckpointStore::point(const fs::path& link, int64_t step) const {
  const fs::path target = fs::path("checkpoints") / step_name(step);
  fs::path temporary = link;
  temporary += ".tmp";
  try {
    if (fs::is_symlink(link) && fs::read_symlink(link) == target) return;
    fs::remove(temporary);
    fs::create_symlink(target, temporary);
    rename_durable(temporary, link);
  } catch (const std::exception& error) {
    throw RunError("cannot link {} to {}: {}", link.string(), target.string(), error.what());
  }
}

void CheckpointStore::set_aside_after(int64_t step) const {
  try {
    for (const auto& path : list()) {
      if (step_of(path) <= step || !check_checkpoint(path).empty()) continue;
      const fs::path first = dir_ / ("superseded-" + path.filename().string());
      fs::path aside = first;  // numbered, so that none is replaced
      for (int number = 2; there(aside); ++number) {
        aside = fmt::format("{}.{}", first.string(), number);
      }
      rename_durable(path, aside);
      spdlog::warn("resuming from step {}: {} was renamed to {}; delete it if it is not needed",
                   step, path.string(), aside.filename().string());
    }
  } catch (const fs::filesystem_error& error) {
    throw RunError("cannot rename later checkpoints in {}: {}", dir_.string(), error.what());
  }
}

bool CheckpointStore::is_valid(const fs::path& checkpoint) {
  const std::string state = state_of_files(checkpoint);
  std::string& seen = known_valid_[checkpoint];
  if (!seen.empty() && seen == state) return true;
  seen = check_checkpoint(checkpoint).empty() ? state : "";
  return !seen.empty();
}

void CheckpointStore::remove(const fs::path& checkpoint) const {
  const fs::path hidden = dir_ / (std::string(kRemoved) + checkpoint.filename().string());
  fs::remove_all(hidden);
  rename_durable(checkpoint, hidden);  // no longer a checkpoint, even if the removal is interrupted
  fs::remove_all(hidden);
}

void CheckpointStore::prune(const Retention& retention) {
  try {
    std::error_code no_link;
    const fs::path kept_best = fs::weakly_canonical(best(), no_link);
    std::vector<fs::path> all = list();
    int64_t newer = 0;  // valid ones
    for (auto path = all.rbegin(); path != all.rend(); ++path) {
      if (newer < retention.keep) {
        if (is_valid(*path) && !has_nonfinite_steps(*path)) ++newer;
        continue;
      }
      const bool kept = retention.every_steps > 0 && step_of(*path) % retention.every_steps == 0;
      if (kept || fs::weakly_canonical(*path) == kept_best) continue;
      remove(*path);
      known_valid_.erase(*path);
    }
  } catch (const std::exception& error) {
    spdlog::warn("cannot remove old checkpoints in {}: {}", dir_.string(), error.what());
  }
}

std::vector<fs::path> CheckpointStore::list() const { return list_checkpoints(dir_); }

std::optional<fs::path> CheckpointStore::latest_valid() const {
  std::vector<fs::path> all = list();
  for (auto path = all.rbegin(); path != all.rend(); ++path) {
    const std::string problem = check_checkpoint(*path);
    if (problem.empty()) return *path;
    spdlog::warn("skipping the corrupt checkpoint {}: {}", path->string(), problem);
  }
  return std::nullopt;
}

}  // namespace s2i
