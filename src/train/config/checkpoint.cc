#include "train/config/checkpoint.h"

namespace s2i {

void add_fields(ConfigFields& fields, CheckpointConfig& checkpoint) {
  fields
      .emplace_back("checkpoint.every_steps", &checkpoint.every_steps,
                    "Checkpoint interval in steps, in addition to every validation and epoch; 0 "
                    "disables")
      .range(0, 1e12)
      .may_change_on_resume();
  fields
      .emplace_back("checkpoint.keep", &checkpoint.keep,
                    "Number of latest checkpoints to keep, in addition to the best")
      .range(1, 1e6)
      .may_change_on_resume();
  fields
      .emplace_back("checkpoint.keep_every_steps", &checkpoint.keep_every_steps,
                    "Also keep checkpoints whose step is a multiple of this; 0 disables")
      .range(0, 1e12)
      .may_change_on_resume();
  fields
      .emplace_back("checkpoint.asynchronous", &checkpoint.asynchronous,
                    "Write checkpoints in the background, from a copy in host memory")
      .may_change_on_resume();
  fields
      .emplace_back("checkpoint.max_failures", &checkpoint.max_failures,
                    "Abort after this many consecutive checkpoints could not be written")
      .range(1, 1e6)
      .may_change_on_resume();
}

}  // namespace s2i
