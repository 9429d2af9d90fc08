#include "train/config/batch.h"

namespace s2i {

void add_fields(ConfigFields& fields, BatchConfig& batch) {
  fields.emplace_back("batch.global", &batch.global_batch, "Utterances per step, over all ranks")
      .range(1, 1e7);
  fields
      .emplace_back("batch.micro", &batch.micro_batch,
                    "Utterances per forward pass; a rank accumulates the gradients of several; 0: "
                    "batch.global / number of ranks")
      .range(0, 1e7)
      .may_change_on_resume();
  fields
      .emplace_back("batch.pool", &batch.pool_batches,
                    "Sort utterances by length within pools of this many batches; larger pools "
                    "mean less padding")
      .range(1, 1e7);
  fields
      .emplace_back("batch.length_multiple", &batch.length_multiple,
                    "Pad batches to a multiple of this many samples")
      .range(1, 1e7);
  fields
      .emplace_back("batch.evaluation", &batch.evaluation_batch,
                    "Utterances per forward pass in evaluation")
      .range(1, 1e7)
      .may_change_on_resume();
}

}  // namespace s2i
