#include "cluster/health/watchdog.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <exception>
#include <thread>
#include <utility>

#include "cluster/comm/fixed_text.h"
#include "cluster/comm/mpi_gather.h"
#include "cluster/health/activity_json.h"
#include "cluster/health/launcher_guard.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

constexpr auto kPeriod = std::chrono::milliseconds(200);
constexpr int kReportTag = 1;
constexpr int kRequestTag = 2;
/// Seconds that the launcher has to end the job before it is killed.
constexpr double kLauncherGrace = 10;
/// Small enough for MPI to send eagerly, without waiting for the receiver.
constexpr size_t kMaxReportBytes = 3000;

std::string report_text(const ActivitySnapshot& snapshot) {
  ActivitySnapshot small = snapshot;
  std::string text = to_json(small).dump();
  while (text.size() > kMaxReportBytes && !small.last_steps.empty()) {
    small.last_steps.erase(small.last_steps.begin());
    text = to_json(small).dump();
  }
  return text;
}

std::vector<std::string> gather_hosts(const MpiSession& session) {
  std::vector<std::string> hosts;
  for (const auto& host :
       mpi_gather_values(session.world(), FixedText<HOST_NAME_MAX + 1>(host_name()))) {
    hosts.push_back(host.text());
  }
  return hosts;
}

}  // namespace

/// Messages between the watchdogs of all ranks. Nothing waits for a send to complete: the receiver
/// may be gone.
class Watchdog::Exchange {
 public:
  Exchange(MPI_Comm comm, int rank, int size)
      : comm_(comm), rank_(rank), reports_(static_cast<size_t>(size)) {}

  void send(int to, int tag, std::string text) {
    if (to == rank_) return;
    sent_.push_back(std::make_unique<std::string>(std::move(text)));
    MPI_Request request = MPI_REQUEST_NULL;
    S2I_MPI(MPI_Isend(sent_.back()->data(), static_cast<int>(sent_.back()->size()), MPI_CHAR, to,
                      tag, comm_, &request));
    requests_.push_back(request);
  }

  /// Receives all pending messages. True if there was one: another rank reports a hang.
  bool receive() {
    bool any = false;
    for (int ready = 1; comm_ != MPI_COMM_NULL && ready != 0;) {
      MPI_Status status{};
      S2I_MPI(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_, &ready, &status));
      if (ready == 0) break;
      any = true;
      int bytes = 0;
      S2I_MPI(MPI_Get_count(&status, MPI_CHAR, &bytes));
      std::string text(static_cast<size_t>(bytes), '\0');
      S2I_MPI(MPI_Recv(text.data(), bytes, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, comm_,
                       MPI_STATUS_IGNORE));
      if (status.MPI_TAG == kReportTag) take(status.MPI_SOURCE, text);
    }
    // Lets MPI make progress on the sends.
    if (!requests_.empty()) {
      int done = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
    }
    return any;
  }

  void take(int rank, const std::string& text) {
    reports_[static_cast<size_t>(rank)] = activity_from_json(parse_json(text, "report of a rank"));
  }

  bool complete() const {
    return std::ranges::all_of(reports_, [](const auto& report) { return report.has_value(); });
  }
  const std::vector<std::optional<ActivitySnapshot>>& reports() const { return reports_; }

 private:
  MPI_Comm comm_;
  int rank_;
  std::vector<std::optional<ActivitySnapshot>> reports_;
  std::vector<std::unique_ptr<std::string>> sent_;
  std::vector<MPI_Request> requests_;
};

Watchdog::Watchdog(const MpiSession& session, std::shared_ptr<Activity> activity,
                   WatchdogSettings settings)
    : session_(session), activity_(std::move(activity)), settings_(std::move(settings)) {
  hosts_ = gather_hosts(session);
  if (session.size() > 1) S2I_MPI(MPI_Comm_dup(session.world(), &comm_));
  exchange_ = std::make_unique<Exchange>(comm_, session.rank(), session.size());
  thread_.emplace(kPeriod, [this] { attempt([this] { check(); }); });
}

Watchdog::~Watchdog() {
  thread_->stop();
  // Freeing a communicator is collective; while an exception unwinds the other ranks do not join.
  if (comm_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
}

void Watchdog::check() {
  const ActivitySnapshot now = activity_->snapshot();
  const auto reason = exceeded_limit(now, settings_);
  bool alarmed = false;
  attempt([&] { alarmed = exchange_->receive(); });
  if (!reason && !alarmed) return;
  spdlog::error("{}: rank {} of {} on {} is {}", reason.value_or("another rank reported a hang"),
                session_.rank(), session_.size(), hosts_[static_cast<size_t>(session_.rank())],
                describe(now));
  attempt([&] { exchange_->take(session_.rank(), report_text(now)); });
  session_.rank() == 0 ? end_job() : answer();
}

void Watchdog::attempt(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    if (!std::exchange(failed_, true)) {
      spdlog::warn("the watchdog of rank {} continues after an error: {}", session_.rank(),
                   error.what());
    }
  }
}

void Watchdog::end_job() {
  for (int rank = 1; rank < session_.size(); ++rank) {
    attempt([&] { exchange_->send(rank, kRequestTag, ""); });
  }
  const Stopwatch watch;
  while (!exchange_->complete() && watch.seconds() < settings_.answer_seconds) {
    std::this_thread::sleep_for(kPeriod / 4);
    attempt([&] { exchange_->receive(); });
  }
  const std::string summary = hang_summary(exchange_->reports(), hosts_);
  if (!settings_.report.empty()) {
    OrderedJson ranks = OrderedJson::array();
    for (size_t rank = 0; rank < hosts_.size(); ++rank) {
      const auto& report = exchange_->reports()[rank];
      OrderedJson one = {{"rank", rank}, {"host", hosts_[rank]}, {"answered", report.has_value()}};
      if (report) one.update(to_json(*report));
      ranks.push_back(std::move(one));
    }
    attempt([&] { write_json(settings_.report, {{"summary", summary}, {"ranks", ranks}}); });
  }
  end_launcher_within(kLauncherGrace);
  session_.abort_all(summary, kExitRunFailed);
}

void Watchdog::answer() {
  attempt([&] { exchange_->send(0, kReportTag, report_text(activity_->snapshot())); });
  const Stopwatch watch;
  // Rank 0 ends the job when it has all answers. If rank 0 is the one that hangs, this rank ends
  // it.
  while (watch.seconds() < 2 * settings_.answer_seconds + 2) {
    std::this_thread::sleep_for(kPeriod);
    attempt([&] { exchange_->receive(); });
  }
  end_launcher_within(kLauncherGrace);
  session_.abort_all(
      fmt::format("the run hangs; rank 0 on {} did not answer (its process is stopped, or its node "
                  "or network is down)",
                  hosts_.front()),
      kExitRunFailed);
}

}  // namespace s2i
