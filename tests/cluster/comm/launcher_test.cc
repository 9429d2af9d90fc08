#include "cluster/comm/launcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s2i {
namespace {

using testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

std::optional<std::string> problem(int world_size, const Environment& environment) {
  return launcher_problem(world_size, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(Launcher, AStartWithoutALauncherIsValid) { EXPECT_EQ(problem(1, {}), std::nullopt); }

TEST(Launcher, AWorldOfSeveralRanksIsValid) {
  EXPECT_EQ(problem(4, {{"OMPI_COMM_WORLD_SIZE", "4"}}), std::nullopt);
  EXPECT_EQ(
      problem(2, {{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}}),
      std::nullopt);
}

TEST(Launcher, SingletonsUnderMpirunAreRefused) {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    const auto text = problem(1, {{name, "4"}});
    ASSERT_TRUE(text.has_value()) << name;
    EXPECT_THAT(*text, HasSubstr("started 4 processes"));
    EXPECT_THAT(*text, HasSubstr(name));
    EXPECT_EQ(problem(1, {{name, "1"}}), std::nullopt);
  }
}

TEST(Launcher, SingletonsUnderSrunAreRefusedWithTheSolution) {
  const auto text = problem(1, {{"SLURM_JOB_ID", "77"},
                                {"SLURM_STEP_ID", "0"},
                                {"SLURM_PROCID", "2"},
                                {"SLURM_NTASKS", "8"},
                                {"SLURM_STEP_NUM_TASKS", "8"}});
  ASSERT_TRUE(text.has_value());
  EXPECT_THAT(*text, HasSubstr("started 8 processes (step 0 of job 77)"));
  EXPECT_THAT(*text, HasSubstr("srun --mpi=pmix"));
}

TEST(Launcher, ShellsOfSallocAndSbatchMayStartOneProcess) {
  // salloc: the allocation's variables, no step.
  EXPECT_EQ(problem(1, {{"SLURM_JOB_ID", "77"}, {"SLURM_NTASKS", "8"}}), std::nullopt);
  // The batch script is process 0 of no step that srun started.
  EXPECT_EQ(problem(1, {{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}}), std::nullopt);
  EXPECT_EQ(
      problem(1, {{"SLURM_NTASKS", "8"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_ID", "4294967291"}}),
      std::nullopt);
  // One task of a job of eight, started as such.
  EXPECT_EQ(problem(1, {{"SLURM_NTASKS", "8"},
                        {"SLURM_PROCID", "0"},
                        {"SLURM_STEP_ID", "3"},
                        {"SLURM_STEP_NUM_TASKS", "1"}}),
            std::nullopt);
}

TEST(Launcher, MpirunInsideAJobTakesPrecedence) {
  EXPECT_EQ(problem(1, {{"OMPI_COMM_WORLD_SIZE", "1"},
                        {"SLURM_STEP_ID", "0"},
                        {"SLURM_PROCID", "0"},
                        {"SLURM_STEP_NUM_TASKS", "8"}}),
            std::nullopt);
}

}  // namespace
}  // namespace s2i
