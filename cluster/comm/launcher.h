// What the launcher (mpirun, srun) says about the size of the job, to compare with what MPI says.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace s2i {

/// Looks an environment variable up: its text, or nothing when it is not set.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string&)>;

/// The environment of this process.
std::optional<std::string> environment_variable(const std::string& name);

/// The trap of silent singletons: a launcher started several processes, but MPI was built for
/// another launcher (a mismatched PMI), so that each is a world of one and trains the whole job
/// alone. Returns what is wrong and how to mend it, or nothing when `world_size` agrees with the
/// launcher. A shell of salloc or sbatch, where SLURM_NTASKS is set but nothing was launched, is
/// not a trap.
std::optional<std::string> launcher_problem(int world_size, const EnvironmentLookup& lookup);

}  // namespace s2i
