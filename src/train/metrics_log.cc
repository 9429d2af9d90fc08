#include "train/metrics_log.h"

#include <spdlog/spdlog.h>

#include <sstream>
#include <string>

#include "core/files.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxLogBytes = 4ULL << 30;

struct KeptLines {
  std::string text;
  int64_t invalid = 0;
};

/// The lines of steps up to `last_step`, without a truncated last line.
KeptLines lines_up_to(const std::string& text, int64_t last_step) {
  std::istringstream lines(text);
  KeptLines kept;
  std::string line;
  while (std::getline(lines, line)) {
    if (lines.eof()) break;  // no newline: truncated
    const Json entry = Json::parse(line, nullptr, false);
    int64_t step = 0;
    if (!entry.is_object() || !entry.contains("step") || !json_convert(entry.at("step"), step)) {
      ++kept.invalid;
    } else if (step <= last_step) {
      kept.text += line + "\n";
    }
  }
  return kept;
}

/// Removes what a resume from `resume_step` writes again, and invalid lines; returns `path`.
const std::filesystem::path& cut_back(const std::filesystem::path& path, int64_t resume_step) {
  if (!std::filesystem::exists(path)) return path;
  const std::string text = read_file(path, kMaxLogBytes);
  const KeptLines kept = lines_up_to(text, resume_step);
  if (kept.invalid > 0) {
    spdlog::warn("{}: removed {} invalid lines", path.string(), kept.invalid);
  }
  if (kept.text != text) write_file_atomic(path, kept.text);
  return path;
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& path, int64_t resume_step)
    : file_(cut_back(path, resume_step)) {}

void MetricsLog::append(const OrderedJson& line) { file_.append(line.dump() + "\n"); }

void MetricsLog::flush() { file_.flush(); }

void MetricsLog::sync() { file_.sync(); }

std::vector<double> logged_values(const std::filesystem::path& path, const char* key,
                                  int64_t last_step) {
  std::vector<double> values;
  if (!std::filesystem::exists(path)) return values;
  std::istringstream lines(lines_up_to(read_file(path, kMaxLogBytes), last_step).text);
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line);
    if (entry.contains(key) && entry.at(key).is_number()) {
      values.push_back(entry.at(key).get<double>());
    }
  }
  return values;
}

}  // namespace s2i
