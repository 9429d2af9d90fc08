// The size of the job according to the launcher (mpirun, srun), to compare with that of MPI.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace s2i {

/// The value of an environment variable, or nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

/// The environment of this process.
std::optional<std::string> environment_variable(const std::string& name);

/// Detects silent singletons: a launcher started several processes, but MPI was built for another
/// launcher (a mismatched PMI), so that each is a world of one and would train the whole job alone.
/// Returns the problem and its solution, or nothing when `world_size` matches the launcher. A shell
/// of salloc or sbatch, where SLURM_NTASKS is set but nothing was launched, is valid.
std::optional<std::string> launcher_problem(int world_size, const EnvironmentLookup& lookup);

}  // namespace s2i
