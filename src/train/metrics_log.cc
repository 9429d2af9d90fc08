#include "train/metrics_log.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/files.h"

namespace s2i {
namespace {

constexpr uint64_t kMaxLogBytes = 4ULL << 30;
constexpr size_t kMaxPendingBytes = 64U << 20;

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

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int64_t resume_step) : path_(std::move(path)) {
  const bool is_new = !std::filesystem::exists(path_);
  if (!is_new) {
    const std::string text = read_file(path_, kMaxLogBytes);
    const KeptLines kept = lines_up_to(text, resume_step);
    if (kept.invalid > 0) {
      spdlog::warn("{}: removed {} invalid lines", path_.string(), kept.invalid);
    }
    if (kept.text != text) write_file_atomic(path_, kept.text);
  }
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(errno));
  if (is_new) sync_path(path_.has_parent_path() ? path_.parent_path() : ".");
}

MetricsLog::~MetricsLog() { write_pending(); }

int MetricsLog::write_pending() {
  while (!pending_.empty()) {
    const ssize_t written = ::write(file_.get(), pending_.data(), pending_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    pending_.erase(0, static_cast<size_t>(written));
  }
  return 0;
}

void MetricsLog::append(const OrderedJson& line) {
  const std::lock_guard lock(mutex_);
  const bool was_pending = !pending_.empty();
  pending_ += line.dump() + "\n";
  const int error = write_pending();
  if (error == 0) return;
  if (pending_.size() > kMaxPendingBytes) {
    throw RunError("cannot write {}: {}", path_.string(), errno_text(error));
  }
  if (!was_pending) {
    spdlog::warn("cannot write {}: {}; lines are kept in memory", path_.string(),
                 errno_text(error));
  }
}

void MetricsLog::flush() {
  const std::lock_guard lock(mutex_);
  const int error = write_pending();
  if (error != 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(error));
}

void MetricsLog::sync() {
  flush();
  if (::fsync(file_.get()) != 0) {
    throw RunError("cannot sync {} to disk: {}", path_.string(), errno_text(errno));
  }
}

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
