#include "tensorboard/event_folder.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/parse_number.h"
#include "tensorboard/record.h"

namespace s2i::tensorboard {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = 4ULL << 30;
/// TensorBoard reads files with "tfevents" in their name, in the order of their names.
constexpr std::string_view kPrefix = "events.out.tfevents.";

/// A file that is being rewritten: not under a name that TensorBoard would read after a crash.
constexpr const char* kTemporary = ".rewritten";

/// The number in the name of an event file, or -1.
int64_t number_of(const fs::path& file) {
  const std::string name = file.filename().string();
  if (!name.starts_with(kPrefix)) return -1;
  return parse_whole(std::string_view(name).substr(kPrefix.size())).value_or(-1);
}

std::vector<fs::path> event_files(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && number_of(entry.path()) >= 0) files.push_back(entry.path());
  }
  std::ranges::sort(files, {}, number_of);
  return files;
}

EventHead head_of(std::string_view data, const fs::path& file) {
  try {
    return event_head(data);
  } catch (const RunError& error) {
    throw RunError("{}: {}; move the file out of the folder", file.string(), error.what());
  }
}

/// The records that still count, as the content of the file; empty if none tells about a step.
std::string kept_records(const fs::path& file, const std::string& text,
                         const EventFolder::Keep& keep) {
  std::string kept;
  bool has_values = false;
  size_t read = 0;
  for (const std::string_view data : records_of(text)) {
    const EventHead head = head_of(data, file);
    const std::string record = to_record(data);
    read += record.size();
    if (!head.tag.empty() && !keep(head)) continue;
    has_values = has_values || !head.tag.empty();
    kept += record;
  }
  if (read != text.size()) {
    spdlog::info("{}: left out the last {} bytes, which are not whole", file.string(),
                 text.size() - read);
  }
  return has_values ? kept : "";
}

void cut_back(const fs::path& file, const EventFolder::Keep& keep) {
  const std::string text = read_file(file, kMaxFileBytes);
  const std::string kept = kept_records(file, text, keep);
  if (kept.empty()) {
    fs::remove(file);
    sync_path(file.parent_path());
  } else if (kept != text) {
    AtomicFile output(file, file.parent_path() / kTemporary);
    output.write(std::as_bytes(std::span(kept)));
    output.commit();
  }
}

/// Prepares the folder; returns the path of the new file.
fs::path begin(const fs::path& folder, const EventFolder::Keep& keep) {
  if (!fs::exists(folder)) {
    make_output_folder(folder);
    sync_path(folder.has_parent_path() ? folder.parent_path() : ".");
  }
  fs::remove(folder / kTemporary);
  const std::vector<fs::path> files = event_files(folder);
  for (const fs::path& file : files) cut_back(file, keep);
  const int64_t number = files.empty() ? 1 : number_of(files.back()) + 1;
  return folder / fmt::format("{}{:010}", kPrefix, number);
}

}  // namespace

EventFolder::EventFolder(const fs::path& folder, int64_t next_step, const Keep& keep)
    : file_(begin(folder, keep)) {
  file_.append(to_record(file_version_event()));
  file_.append(to_record(process_start_event(next_step)));
}

void EventFolder::add(const Event& event) { file_.append(to_record(event.serialize())); }

}  // namespace s2i::tensorboard
