#include "cluster/health/watchdog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <exception>
#include <utility>

#include "cluster/comm/mpi_check.h"
#include "cluster/health/activity_json.h"
#include "cluster/health/launcher_guard.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

constexpr auto kPause = std::chrono::milliseconds(200);
constexpr int kReportTag = 1;
constexpr int kAskTag = 2;
/// How long the launcher may take to end the job, in seconds, before it is made to.
constexpr double kLauncherGrace = 10;
/// Small enough to leave at once, without the receiver's help.
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

std::vector<std::string> all_hosts(const MpiSession& session) {
  using Name = std::array<char, HOST_NAME_MAX + 1>;
  Name mine{};
  host_name().copy(mine.data(), mine.size() - 1);
  std::vector<Name> names(static_cast<size_t>(session.size()));
  S2I_MPI(MPI_Allgather(mine.data(), sizeof(Name), MPI_BYTE, names.data(), sizeof(Name), MPI_BYTE,
                        session.world()));
  std::vector<std::string> hosts;
  hosts.reserve(names.size());
  for (const auto& name : names) hosts.emplace_back(name.data());
  return hosts;
}

}  // namespace

std::optional<std::string> overrun(const ActivitySnapshot& snapshot,
                                   const WatchdogSettings& settings) {
  if (snapshot.collective && snapshot.collective->seconds > settings.collective_limit_seconds) {
    return fmt::format("a collective outlasted cluster.timeout_seconds={:g}",
                       settings.collective_limit_seconds);
  }
  if (snapshot.unit_seconds > settings.unit_limit_seconds) {
    return fmt::format("{} outlasted cluster.step_timeout_seconds={:g}", snapshot.unit,
                       settings.unit_limit_seconds);
  }
  return std::nullopt;
}

std::string hang_summary(const std::vector<std::optional<ActivitySnapshot>>& reports,
                         const std::vector<std::string>& hosts) {
  // The collective that holds everybody up is the furthest in which a rank waits.
  const ActivitySnapshot* waiting = nullptr;
  int waiters = 0;
  for (const auto& report : reports) {
    if (!report || !report->collective) continue;
    if (waiting == nullptr || report->collective->number > waiting->collective->number) {
      waiting = &*report;
      waiters = 0;
    }
    if (report->collective->number == waiting->collective->number) ++waiters;
  }
  std::vector<std::string> culprits;
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    const auto& report = reports[rank];
    if (!report) {
      culprits.push_back(fmt::format(
          "rank {} on {} did not answer (its process is stopped, or its node or network is down)",
          rank, hosts[rank]));
    } else if (waiting != nullptr ? report->collectives_started <= waiting->collective->number
                                  : !report->collective) {
      culprits.push_back(fmt::format("rank {} on {} did not arrive: it is {}", rank, hosts[rank],
                                     describe(*report)));
    }
  }
  std::string text = "the run hangs";
  if (waiting != nullptr) {
    text += fmt::format("; {} of {} ranks have waited {:.0f} s in {}", waiters, reports.size(),
                        waiting->collective->seconds, waiting->collective->what);
  }
  if (culprits.empty()) {
    return text +
           "; all ranks arrived there, but the data does not get through: look at the "
           "network";
  }
  return fmt::format("{}; {}", text, fmt::join(culprits, "; "));
}

/// What the watchdogs say to each other. Sends are not waited for: the receiver may be gone.
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

  /// Takes what has come in. True when there was anything: somebody is in alarm.
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
    // Moves the sends along.
    if (!requests_.empty()) {
      int done = 0;
      MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &done, MPI_STATUSES_IGNORE);
    }
    return any;
  }

  void take(int rank, const std::string& text) {
    reports_[static_cast<size_t>(rank)] = activity_from_json(parse_json(text, "a rank's report"));
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
  hosts_ = all_hosts(session);
  if (session.size() > 1) S2I_MPI(MPI_Comm_dup(session.world(), &comm_));
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  thread_.join();
  // Freeing is collective in spirit; while an exception unwinds the others are elsewhere.
  if (comm_ != MPI_COMM_NULL && std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
}

void Watchdog::run() {
  Exchange exchange(comm_, session_.rank(), session_.size());
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kPause, [this] { return closing_; })) {
    attempt([&] { look(exchange); });
  }
}

void Watchdog::look(Exchange& exchange) {
  const ActivitySnapshot now = activity_->snapshot();
  const auto reason = overrun(now, settings_);
  bool asked = false;
  attempt([&] { asked = exchange.receive(); });
  if (!reason && !asked) return;
  spdlog::error("{}: rank {} of {} on {} is {}", reason.value_or("another rank hangs"),
                session_.rank(), session_.size(), hosts_[static_cast<size_t>(session_.rank())],
                describe(now));
  attempt([&] { exchange.take(session_.rank(), report_text(now)); });
  session_.rank() == 0 ? end_job(exchange) : answer(exchange);
}

void Watchdog::attempt(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    if (!std::exchange(failed_, true)) {
      spdlog::warn("the watchdog of rank {} goes on without this: {}", session_.rank(),
                   error.what());
    }
  }
}

void Watchdog::end_job(Exchange& exchange) {
  for (int rank = 1; rank < session_.size(); ++rank) {
    attempt([&] { exchange.send(rank, kAskTag, ""); });
  }
  const Stopwatch watch;
  while (!exchange.complete() && watch.seconds() < settings_.answer_seconds) {
    std::this_thread::sleep_for(kPause / 4);
    attempt([&] { exchange.receive(); });
  }
  const std::string summary = hang_summary(exchange.reports(), hosts_);
  if (!settings_.report.empty()) {
    OrderedJson ranks = OrderedJson::array();
    for (size_t rank = 0; rank < hosts_.size(); ++rank) {
      const auto& report = exchange.reports()[rank];
      OrderedJson one = {{"rank", rank}, {"host", hosts_[rank]}, {"answered", report.has_value()}};
      if (report) one.update(to_json(*report));
      ranks.push_back(std::move(one));
    }
    attempt([&] { write_json(settings_.report, {{"summary", summary}, {"ranks", ranks}}); });
  }
  end_launcher_within(kLauncherGrace);
  session_.abort_all(summary, kExitRunFailed);
}

void Watchdog::answer(Exchange& exchange) {
  attempt([&] { exchange.send(0, kReportTag, report_text(activity_->snapshot())); });
  const Stopwatch watch;
  // Rank 0 ends the job when it has heard everybody; should it be the one that hangs, we do.
  while (watch.seconds() < 2 * settings_.answer_seconds + 2) {
    std::this_thread::sleep_for(kPause);
    attempt([&] { exchange.receive(); });
  }
  end_launcher_within(kLauncherGrace);
  session_.abort_all(
      fmt::format("the run hangs; rank 0 on {} did not answer (its process is stopped, or its node "
                  "or network is down)",
                  hosts_.front()),
      kExitRunFailed);
}

}  // namespace s2i
