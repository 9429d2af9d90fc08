#include "train/config/cluster.h"

namespace s2i {

void add_fields(ConfigFields& fields, ClusterConfig& cluster) {
  fields
      .emplace_back("cluster.allow_shared_gpu", &cluster.allow_shared_gpu,
                    "Allow several ranks to share a GPU (for tests)")
      .may_change_on_resume();
  fields.emplace_back("cluster.bucket_mib", &cluster.bucket_mib, "Gradient bucket size in MiB")
      .range(0.001, 65536)
      .may_change_on_resume();
  fields.push_back(choice_field("cluster.reduce_type", cluster.reduce_type, kReduceTypeChoices,
                                "Type in which gradients are summed over ranks"));
  fields
      .emplace_back("cluster.timeout_seconds", &cluster.timeout_seconds,
                    "Timeout of a collective in seconds; the job then reports the missing ranks "
                    "and aborts")
      .range(1, 1e7)
      .may_change_on_resume();
  fields
      .emplace_back("cluster.step_timeout_seconds", &cluster.step_timeout_seconds,
                    "Timeout of a training step or an evaluation batch in seconds; the job then "
                    "aborts")
      .range(1, 1e7)
      .may_change_on_resume();
  fields
      .emplace_back("cluster.progress_seconds", &cluster.progress_seconds,
                    "Update interval of run.dir/progress/rank-*.json in seconds; 0 disables")
      .range(0, 1e6)
      .may_change_on_resume();
  fields
      .emplace_back("cluster.straggler_steps", &cluster.straggler_steps,
                    "Straggler check interval in steps; 0 disables")
      .range(0, 1e9)
      .may_change_on_resume();
  fields
      .emplace_back("cluster.straggler_factor", &cluster.straggler_factor,
                    "Report a rank whose work per step takes this many times the median rank's in "
                    "three consecutive checks")
      .range(1, 1e3)
      .may_change_on_resume();
  fields.emplace_back("cluster.reproducible", &cluster.reproducible,
                      "Bit-identical results for any number of ranks; slower, see docs/cluster.md");
  fields
      .emplace_back("cluster.bind_cores", &cluster.bind_cores,
                    "Bind each CPU rank to its part of the node's cores unless the launcher did")
      .may_change_on_resume();
}

}  // namespace s2i
