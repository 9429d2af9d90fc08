#include "cluster/comm/mpi_session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <span>
#include <thread>
#include <vector>

#include "cluster/comm/launcher.h"
#include "cluster/comm/mpi_check.h"
#include "cluster/comm/rank_list.h"
#include "core/checksum.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

/// How a rank ended, in a fixed size for MPI. Its message is sent separately.
struct ExitReport {
  int status = 0;
  int bytes = 0;          ///< Of the message.
  uint64_t checksum = 0;  ///< Of the message.
};

/// Longer messages are truncated.
constexpr size_t kMaxMessageBytes = size_t{1} << 20;

std::string bounded(const std::string& message) {
  if (message.size() <= kMaxMessageBytes) return message;
  return message.substr(0, kMaxMessageBytes) + " ... (truncated)";
}

/// The lowest rank with the same message as `rank`. Only that rank sends the text.
size_t first_rank_with_message(const std::vector<ExitReport>& reports, size_t rank) {
  const auto same = [&](const ExitReport& one) {
    return one.bytes == reports[rank].bytes && one.checksum == reports[rank].checksum;
  };
  return static_cast<size_t>(std::ranges::find_if(reports, same) - reports.begin());
}

/// Logs each distinct message once, with the ranks that reported it.
void log_messages(const std::vector<ExitReport>& reports, const std::vector<std::string>& texts) {
  std::map<std::string, std::vector<int>> ranks_of;
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    const std::string& message = texts[first_rank_with_message(reports, rank)];
    if (!message.empty()) ranks_of[message].push_back(static_cast<int>(rank));
  }
  for (const auto& [message, ranks] : ranks_of) {
    if (ranks.size() == reports.size()) {
      spdlog::error("{}", message);
    } else {
      spdlog::error("{}: {}", rank_list(ranks), message);
    }
  }
}

int run_body(const MpiSession& session, const std::function<int(const MpiSession&)>& body) {
  Failure failure;
  try {
    failure.status = body(session);
  } catch (const std::exception&) {
    failure = current_failure();
  }
  return session.finish(failure.status, failure.message);
}

}  // namespace

void check_mpi(int code, const char* call, const char* file, int line) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING + 1> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw RunError("MPI failed: {} in {} ({}:{})", text.data(), call, file, line);
}

MpiSession::MpiSession() {
  // Collectives run on a thread of their own, so a rank that waits inside MPI has to yield the core
  // to the threads that compute. Open MPI reads this once; a value set by the user or mpirun is
  // kept.
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", /*overwrite=*/0);
  int provided = MPI_THREAD_SINGLE;
  S2I_MPI(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided));
  try {
    S2I_MPI(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
    S2I_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &world_));
    S2I_MPI(MPI_Comm_dup(MPI_COMM_WORLD, &finish_));
    S2I_MPI(MPI_Comm_rank(world_, &rank_));
    S2I_MPI(MPI_Comm_size(world_, &size_));
    if (provided < MPI_THREAD_MULTIPLE) {
      throw RunError(
          "this MPI provides thread level {}, but MPI_THREAD_MULTIPLE ({}) is required; use a "
          "build "
          "with thread support (Open MPI: --enable-mpi-thread-multiple; MVAPICH2: "
          "MV2_ENABLE_AFFINITY=0)",
          provided, static_cast<int>(MPI_THREAD_MULTIPLE));
    }
    if (const auto problem = launcher_problem(size_, environment_variable)) {
      throw UserError("{}", *problem);
    }
  } catch (...) {
    MPI_Finalize();
    throw;
  }
}

MpiSession::MpiSession(const MpiSession& whole, int group) : owns_mpi_(false) {
  S2I_MPI(MPI_Comm_split(whole.world_, group, whole.rank_, &world_));
  S2I_MPI(MPI_Comm_dup(world_, &finish_));
  S2I_MPI(MPI_Comm_rank(world_, &rank_));
  S2I_MPI(MPI_Comm_size(world_, &size_));
}

MpiSession::~MpiSession() {
  if (!owns_mpi_) {
    // While an exception unwinds, the outer session ends the job; freeing would wait for other
    // ranks.
    if (std::uncaught_exceptions() > 0) return;
    MPI_Comm_free(&finish_);
    MPI_Comm_free(&world_);
    return;
  }
  if (size_ > 1 && std::uncaught_exceptions() > 0) {
    spdlog::error("rank {} of {} on {} ends with an exception", rank_, size_, host_name());
    MPI_Abort(MPI_COMM_WORLD, kExitRunFailed);
  }
  MPI_Comm_free(&finish_);
  MPI_Comm_free(&world_);
  MPI_Finalize();
}

void MpiSession::abort_all(const std::string& message, int status) const {
  if (size_ > 1) {
    spdlog::error("rank {} of {} on {}: {}", rank_, size_, host_name(), message);
  } else {
    spdlog::error("{}", message);
  }
  spdlog::default_logger()->flush();
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);  // MPI_Abort does not return, but is not declared so
}

int MpiSession::finish(int status, const std::string& message, double grace_seconds) const {
  const std::string text = bounded(message);
  const auto wait = [&](MPI_Request request) {
    const Stopwatch watch;
    for (int done = 0; true;) {
      S2I_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
      if (done != 0) return;
      if (status != 0 && watch.seconds() > grace_seconds) {
        abort_all(message.empty() ? fmt::format("ended with status {}", status) : message, status);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  };
  const ExitReport mine{status, static_cast<int>(text.size()),
                        checksum(std::as_bytes(std::span(text)))};
  std::vector<ExitReport> all(static_cast<size_t>(size_));
  MPI_Request request = MPI_REQUEST_NULL;
  S2I_MPI(MPI_Iallgather(&mine, sizeof(ExitReport), MPI_BYTE, all.data(), sizeof(ExitReport),
                         MPI_BYTE, finish_, &request));
  wait(request);

  // All ranks have reported. Each distinct message is sent to rank 0 once.
  std::vector<std::string> texts(all.size());
  for (size_t rank = 0; rank < all.size(); ++rank) {
    if (first_rank_with_message(all, rank) != rank || all[rank].bytes == 0) continue;
    if (rank == 0) {
      texts[0] = rank_ == 0 ? text : "";
    } else if (rank_ == 0) {
      texts[rank].resize(static_cast<size_t>(all[rank].bytes));
      S2I_MPI(MPI_Irecv(texts[rank].data(), all[rank].bytes, MPI_CHAR, static_cast<int>(rank), 0,
                        finish_, &request));
      wait(request);
    } else if (static_cast<size_t>(rank_) == rank) {
      S2I_MPI(MPI_Isend(text.data(), mine.bytes, MPI_CHAR, 0, 0, finish_, &request));
      wait(request);
    }
  }
  if (rank_ == 0) log_messages(all, texts);
  const auto first =
      std::ranges::find_if(all, [](const ExitReport& one) { return one.status != 0; });
  return first == all.end() ? 0 : first->status;
}

int run_with_mpi(const std::function<int(const MpiSession&)>& body) {
  return run_program([&body] {
    const MpiSession session;
    return run_body(session, body);
  });
}

}  // namespace s2i
