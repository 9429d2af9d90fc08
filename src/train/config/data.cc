#include "train/config/data.h"

namespace s2i {

void add_fields(ConfigFields& fields, DataConfig& data) {
  fields
      .emplace_back("data.dir", &data.dir,
                    "Folder with the shards of s2i-preprocess, one subfolder per split")
      .may_change_on_resume();
  fields.emplace_back("data.train_split", &data.train_split, "Split to train on");
  fields.emplace_back("data.validation_split", &data.validation_split,
                      "Split for validation; empty: hold out a part of the train split");
  fields
      .emplace_back("data.validation_fraction", &data.validation_fraction,
                    "Fraction of each intent's train utterances held out for validation when "
                    "data.validation_split is empty")
      .range(0, 0.9);
  fields
      .emplace_back("data.test_split", &data.test_split,
                    "Split to evaluate the best checkpoint on after training; empty: none")
      .may_change_on_resume();
  fields
      .emplace_back("data.out_of_scope_split", &data.out_of_scope_split,
                    "Split of utterances with none of the intents, to evaluate on after training "
                    "how well they are rejected; its labels are not used; empty: none")
      .may_change_on_resume();
  fields.emplace_back("data.verify", &data.verify, "Verify the checksum of every utterance read")
      .may_change_on_resume();
  fields.emplace_back("data.prefetch", &data.prefetch, "Micro-batches to prefetch")
      .range(1, 1024)
      .may_change_on_resume();
}

}  // namespace s2i
