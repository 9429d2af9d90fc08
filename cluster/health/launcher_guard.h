// A launcher that cannot reach a lost node any more comes to its end all the same.
#pragma once

namespace s2i {

/// For the end of a job that hangs. Open MPI's mpirun (and its daemon on other nodes) waits for
/// the answer of a node that has vanished, for as long as TCP retries: a quarter of an hour and
/// more. Starts a small process that gives the launcher this rank was started by `grace_seconds` to
/// end, asks it to (SIGINT, and again: "force"), and then kills it. Does nothing when the parent is
/// no such launcher: Slurm looks after its own.
void end_launcher_within(double grace_seconds);

}  // namespace s2i
