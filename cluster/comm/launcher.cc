#include "cluster/comm/launcher.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>

namespace s2i {
namespace {

std::optional<int64_t> whole_number(const EnvironmentLookup& lookup, const char* name) {
  const auto text = lookup(name);
  if (!text) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

/// Step ids from here on are special (batch script, interactive shell) and not started by srun.
constexpr int64_t kFirstSpecialStep = 0xFFFFFFF0;

}  // namespace

std::optional<std::string> environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<std::string> launcher_problem(int world_size, const EnvironmentLookup& lookup) {
  if (world_size != 1) return std::nullopt;

  // The innermost launcher takes precedence: mpirun inside a Slurm job adds its own variables.
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE"}) {
    const auto launched = whole_number(lookup, name);
    if (!launched) continue;
    if (*launched <= 1) return std::nullopt;
    return fmt::format(
        "the launcher started {} processes ({}={}), but MPI has a world size of 1: each process "
        "would "
        "train the whole job alone. The mpirun on the PATH belongs to a different MPI than this "
        "program was built with; use the mpirun of that MPI, or build against this one "
        "(cmake -DMPI_HOME=...)",
        *launched, name, *launched);
  }

  const auto step = whole_number(lookup, "SLURM_STEP_ID");
  if (!step || *step >= kFirstSpecialStep || !lookup("SLURM_PROCID")) return std::nullopt;
  auto launched = whole_number(lookup, "SLURM_STEP_NUM_TASKS");
  if (!launched) launched = whole_number(lookup, "SLURM_NTASKS");
  if (!launched || *launched <= 1) return std::nullopt;
  return fmt::format(
      "srun started {} processes (step {} of job {}), but MPI has a world size of 1: each process "
      "would train the whole job alone. srun and MPI use different versions of PMI; choose one "
      "that "
      "both support with srun --mpi=pmix (or pmi2; 'srun --mpi=list' lists them), or start the "
      "program with mpirun inside the job",
      *launched, *step, lookup("SLURM_JOB_ID").value_or("?"));
}

}  // namespace s2i
