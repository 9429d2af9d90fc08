#include "train/metrics_log.h"

#include <sstream>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxLogBytes = 4ULL << 30;

/// The whole lines of steps up to `last_step`; a line cut short by a crash is dropped.
std::string lines_up_to(const std::string& text, int64_t last_step) {
  std::istringstream lines(text);
  std::string kept;
  std::string line;
  while (std::getline(lines, line)) {
    if (lines.eof()) break;  // no newline: not finished
    const Json entry = Json::parse(line, nullptr, false);
    if (entry.is_discarded() || !entry.is_object()) continue;
    if (entry.value("step", int64_t{0}) <= last_step) kept += line + "\n";
  }
  return kept;
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int64_t resume_step) : path_(std::move(path)) {
  if (std::filesystem::exists(path_)) {
    const std::string text = read_file(path_, kMaxLogBytes);
    const std::string kept = lines_up_to(text, resume_step);
    if (kept != text) write_file_atomic(path_, kept);
  }
  file_.open(path_, std::ios::app);
  if (!file_) throw RunError("cannot write {}", path_.string());
}

void MetricsLog::append(const OrderedJson& line) {
  file_ << line.dump() << '\n' << std::flush;
  if (!file_) throw RunError("cannot write {}: is the disk full?", path_.string());
}

}  // namespace s2i
