// A program whose ranks fail in the way given by the first argument, for job_end_test.
#include <ATen/ops/zeros.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "cluster/comm/communicator.h"
#include "cluster/comm/require_same.h"
#include "cluster/health/watchdog.h"
#include "core/error.h"
#include "core/program.h"

namespace {

/// Ranks that hang under a watchdog with short limits.
int hang(const s2i::MpiSession& session, s2i::Communicator& communicator, const std::string& how) {
  s2i::WatchdogSettings settings;
  settings.collective_limit_seconds = 2;
  settings.unit_limit_seconds = how == "hang-in-a-step" ? 2 : 1000;
  settings.answer_seconds = 2;
  const s2i::Watchdog watchdog(session, communicator.shared_activity(), settings);
  // JSON cannot contain bytes that are not UTF-8, so that no report can be written.
  communicator.activity().begin_unit(how == "hang-unreportable" ? "train step 7 \xff"
                                                                : "train step 7");
  const int stuck = how == "hang-rank-0" ? 0 : session.size() - 1;
  if (session.rank() == stuck || how == "hang-in-a-step") {
    communicator.activity().enter("data");
    if (how == "hang-stopped") raise(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::minutes(10));
  }
  communicator.activity().enter("reduction");
  communicator.barrier("where the others wait");
  return 0;
}

int run(const s2i::MpiSession& session, const std::string& how) {
  s2i::set_up_logging(spdlog::level::info, session.rank(), session.size());
  const auto communicator = s2i::make_communicator(session, at::kCPU);
  communicator->barrier();
  const bool last = session.rank() == session.size() - 1;
  if (how == "all-user-error") throw s2i::UserError("the learning rate is not a number");
  if (how == "last-throws" && last) throw s2i::RunError("the disk has failed");
  if (how == "last-throws-with-work-under-way" && last) {
    const auto pending = communicator->start_all_reduce(at::zeros({1000}), s2i::ReduceOp::kSum);
    throw s2i::RunError("the disk has failed");
  }
  if (how == "last-is-killed" && last) kill(getpid(), SIGKILL);
  if (how == "odd-version")
    s2i::require_same_on_all_ranks(*communicator, "program version", last ? "2.0" : "1.0");
  if (how == "status-143") return 143;
  if (how == "all-long-messages") {
    const std::string ids(200'000, session.rank() == 1 ? 'b' : 'a');
    throw s2i::RunError("these utterances: {} END", ids);
  }
  if (how == "last-throws-while-others-compute") {
    if (last) throw s2i::UserError("no space left");
    std::this_thread::sleep_for(std::chrono::minutes(10));
  }
  if (how.starts_with("hang-")) return hang(session, *communicator, how);
  communicator->barrier("where the others wait");
  if (how != "fine") communicator->barrier("and wait");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "fine";
  return s2i::run_with_mpi([&](const s2i::MpiSession& session) { return run(session, how); });
}
