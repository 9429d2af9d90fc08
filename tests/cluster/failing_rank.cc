// A program whose ranks fail in the way that the first argument names; for job_end_test.
#include <ATen/ops/zeros.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

#include "cluster/agree.h"
#include "cluster/communicator.h"
#include "core/error.h"
#include "core/program.h"

namespace {

int run(const s2i::MpiSession& session, const std::string& how) {
  s2i::set_up_logging("info", session.rank(), session.size());
  const auto communicator = s2i::make_communicator(session, at::kCPU);
  communicator->barrier();
  const bool last = session.rank() == session.size() - 1;
  if (how == "all-user-error") throw s2i::UserError("the learning rate is not a number");
  if (how == "last-throws" && last) throw s2i::RunError("the disk is on fire");
  if (how == "last-throws-with-work-under-way" && last) {
    const auto pending = communicator->start_all_reduce(at::zeros({1000}), s2i::ReduceOp::kSum);
    throw s2i::RunError("the disk is on fire");
  }
  if (how == "last-is-killed" && last) kill(getpid(), SIGKILL);
  if (how == "odd-version") s2i::agree(*communicator, "program version", last ? "2.0" : "1.0");
  if (how == "status-143") return 143;
  if (how == "last-throws-while-others-compute") {
    if (last) throw s2i::UserError("no space left");
    std::this_thread::sleep_for(std::chrono::minutes(10));
  }
  communicator->barrier("where the others wait");
  if (how != "fine") communicator->barrier("and wait");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string how = argc > 1 ? argv[1] : "fine";
  return s2i::run_with_mpi([&](const s2i::MpiSession& session) { return run(session, how); });
}
