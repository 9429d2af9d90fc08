// How a job of several ranks ends when one or all of them fail: exit status, messages, duration,
// and that no process is left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace {

using testing::HasSubstr;
using testing::Not;

struct Ended {
  int status = -1;
  std::string output;
};

/// Runs a shell command; one that takes over a minute ends with status 124.
Ended run(const std::string& command) {
  Ended ended;
  FILE* pipe = popen(("timeout -k 5 60 " + command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return ended;
  std::array<char, 4096> buffer{};
  while (const size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    ended.output.append(buffer.data(), got);
  }
  const int status = pclose(pipe);
  ended.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return ended;
}

/// Runs failing_rank with `how` on `ranks` ranks. `mark` is a last argument that identifies its
/// processes.
Ended run_ranks(int ranks, const std::string& how, const std::string& mark) {
  return run(std::string(S2I_MPIEXEC) + " " + std::to_string(ranks) + " " + S2I_FAILING_RANK + " " +
             how + " " + mark);
}

std::string make_mark(const std::string& name) { return name + "-" + std::to_string(getpid()); }

/// Processes other than this one whose command line holds `mark`.
int count_processes(const std::string& mark) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos)
      continue;
    std::ifstream file(entry.path() / "cmdline");
    const std::string line((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    if (line.find(mark) != std::string::npos) ++count;
  }
  return count;
}

/// The same after processes had time to end: mpirun does not wait for them.
int count_left(const std::string& mark) {
  for (int tenths = 0; tenths < 150 && count_processes(mark) > 0; ++tenths) usleep(100'000);
  return count_processes(mark);
}

int count_of(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(JobEnd, WithoutFailuresTheStatusIs0) {
  const auto ended = run_ranks(3, "fine", make_mark("fine"));
  EXPECT_EQ(ended.status, 0) << ended.output;
}

TEST(JobEnd, AnErrorOfAllRanksIsLoggedOnceAndNothingIsAborted) {
  const auto ended = run_ranks(3, "all-user-error", make_mark("all"));
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(count_of(ended.output, "the learning rate is not a number"), 1) << ended.output;
  EXPECT_THAT(ended.output, Not(HasSubstr("MPI_ABORT")));
}

TEST(JobEnd, LongMessagesAreLoggedCompletelyAndOnce) {
  const auto ended = run_ranks(3, "all-long-messages", make_mark("long"));
  EXPECT_EQ(ended.status, 1);
  for (const std::string& message :
       {"ranks 0,2: these utterances: " + std::string(200'000, 'a') + " END",
        "rank 1: these utterances: " + std::string(200'000, 'b') + " END"}) {
    EXPECT_EQ(count_of(ended.output, message), 1) << ended.output.substr(0, 2000);
  }
}

TEST(JobEnd, AWatchdogThatCannotReportStillEndsTheJob) {
  const auto mark = make_mark("unreportable");
  const auto ended = run_ranks(3, "hang-unreportable", mark);
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 124) << "still running after a minute";
  EXPECT_THAT(ended.output, HasSubstr("the run hangs"));
  EXPECT_EQ(count_of(ended.output, "the watchdog of rank 0 continues after an error"), 1);
  EXPECT_EQ(count_left(mark), 0);
}

TEST(JobEnd, ADifferenceBetweenRanksIsReportedOnce) {
  const auto ended = run_ranks(3, "odd-version", make_mark("odd"));
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(count_of(ended.output, "the ranks differ in the program version; rank 2 ("), 1)
      << ended.output;
}

class OneRankFails : public testing::TestWithParam<const char*> {};

TEST_P(OneRankFails, EndsTheJobWithRankAndReason) {
  const auto mark = make_mark(GetParam());
  const auto ended = run_ranks(3, GetParam(), mark);
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 124) << "still running after a minute";
  EXPECT_THAT(ended.output, HasSubstr("rank 2 of 3 on "));
  EXPECT_THAT(ended.output,
              testing::AnyOf(HasSubstr("the disk has failed"), HasSubstr("no space left")));
  EXPECT_EQ(count_left(mark), 0);
}

INSTANTIATE_TEST_SUITE_P(JobEnd, OneRankFails,
                         testing::Values("last-throws", "last-throws-with-work-under-way",
                                         "last-throws-while-others-compute"));

TEST(JobEnd, AKilledRankEndsTheJob) {
  const auto mark = make_mark("killed");
  const auto ended = run_ranks(3, "last-is-killed", mark);
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 124);
  EXPECT_EQ(count_left(mark), 0);
}

struct Hang {
  const char* how;
  const char* message;
};

class ARankHangs : public testing::TestWithParam<Hang> {};

TEST_P(ARankHangs, EveryRankReportsItsActivityAndTheJobEnds) {
  const auto mark = make_mark(GetParam().how);
  const auto ended = run_ranks(3, GetParam().how, mark);
  EXPECT_NE(ended.status, 0);
  EXPECT_NE(ended.status, 124) << "still running after a minute";
  EXPECT_THAT(ended.output, HasSubstr("the run hangs"));
  EXPECT_THAT(ended.output, HasSubstr(GetParam().message));
  // The two ranks that can report log their activity.
  EXPECT_GE(count_of(ended.output, "is in train step 7 for "), 2) << ended.output;
  EXPECT_EQ(count_left(mark), 0);
}

INSTANTIATE_TEST_SUITE_P(
    JobEnd, ARankHangs,
    testing::Values(Hang{"hang-rank-2", "did not arrive: it is in train step 7"},
                    Hang{"hang-rank-0", "rank 0 on "}, Hang{"hang-stopped", "rank 2 on "},
                    Hang{"hang-in-a-step", "exceeded cluster.step_timeout_seconds=2"}));

TEST(JobEnd, TheStatusOfTheRanksIsThatOfTheJob) {
  EXPECT_EQ(run_ranks(2, "status-143", make_mark("status")).status, 143);
}

TEST(JobEnd, AStartWithoutALauncherWorks) {
  EXPECT_EQ(run(std::string(S2I_FAILING_RANK) + " fine").status, 0);
  EXPECT_EQ(run(std::string(S2I_FAILING_RANK) + " all-user-error").status, 2);
}

TEST(JobEnd, SilentSingletonsAreRefused) {
  const auto mpirun =
      run(std::string("env -u OMPI_COMM_WORLD_SIZE PMI_SIZE=4 ") + S2I_FAILING_RANK + " fine");
  EXPECT_EQ(mpirun.status, 2);
  EXPECT_THAT(mpirun.output, HasSubstr("the launcher started 4 processes (PMI_SIZE=4)"));
  const auto srun = run(std::string("env SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=2 ") +
                        S2I_FAILING_RANK + " fine");
  EXPECT_EQ(srun.status, 2);
  EXPECT_THAT(srun.output, HasSubstr("srun --mpi=pmix"));
}

}  // namespace
