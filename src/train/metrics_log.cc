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
constexpr size_t kMaxWaitingBytes = 64U << 20;

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
  const bool is_new = !std::filesystem::exists(path_);
  if (!is_new) {
    const std::string text = read_file(path_, kMaxLogBytes);
    const std::string kept = lines_up_to(text, resume_step);
    if (kept != text) write_file_atomic(path_, kept);
  }
  file_ = FileDescriptor(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (file_.get() < 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(errno));
  if (is_new) sync_path(path_.has_parent_path() ? path_.parent_path() : ".");
}

std::vector<double> MetricsLog::kept(const char* key) const {
  std::vector<double> values;
  std::istringstream lines(read_file(path_, kMaxLogBytes));
  for (std::string line; std::getline(lines, line);) {
    const Json entry = Json::parse(line, nullptr, false);
    if (!entry.is_object() || !entry.contains(key)) continue;
    if (entry.at(key).is_number()) values.push_back(entry.at(key).get<double>());
  }
  return values;
}

MetricsLog::~MetricsLog() { write_waiting(); }

int MetricsLog::write_waiting() {
  while (!waiting_.empty()) {
    const ssize_t written = ::write(file_.get(), waiting_.data(), waiting_.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    waiting_.erase(0, static_cast<size_t>(written));
  }
  return 0;
}

void MetricsLog::append(const OrderedJson& line) {
  const bool behind = !waiting_.empty();
  waiting_ += line.dump() + "\n";
  const int error = write_waiting();
  if (error == 0) return;
  if (waiting_.size() > kMaxWaitingBytes) flush();
  if (!behind) {
    spdlog::warn("cannot write {}: {}; its lines wait in memory", path_.string(),
                 errno_text(error));
  }
}

void MetricsLog::flush() {
  const int error = write_waiting();
  if (error != 0) throw RunError("cannot write {}: {}", path_.string(), errno_text(error));
}

void MetricsLog::sync() const {
  if (::fsync(file_.get()) != 0) {
    throw RunError("cannot flush {} to the device: {}", path_.string(), errno_text(errno));
  }
}

}  // namespace s2i
