// Ends a launcher that waits for a lost node.
#pragma once

namespace s2i {

/// For the end of a job that hangs. Open MPI's mpirun (and its daemon on other nodes) waits for the
/// answer of a node that has failed as long as TCP retries: a quarter of an hour and more. Starts a
/// small process that waits `grace_seconds` for this rank's launcher to end, then sends it SIGINT
/// twice (the second forces it), and finally kills it. Does nothing when the parent process is not
/// such a launcher: Slurm handles this itself.
void end_launcher_within(double grace_seconds);

}  // namespace s2i
