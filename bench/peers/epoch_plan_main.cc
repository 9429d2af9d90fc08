// Prints the utterances of each step of a run of s2i-train as JSON, so that another program can
// train on the same batches:
//
//   s2i-epoch-plan SHARDS/SPLIT BATCH POOL SEED STEPS
//
// The output is a list of steps; a step is a list of indices into the split, in the order of the
// rows of the batch. Valid for runs with data.validation_fraction=0 and batch.micro=0 on one rank.
#include <cstdio>
#include <string>

#include "core/json.h"
#include "core/program.h"
#include "data/dataset.h"
#include "data/epoch_plan.h"

namespace s2i {
namespace {

int run(char** argv) {
  const Dataset dataset(argv[1]);
  const BatchSettings settings{std::stoll(argv[2]), 0, std::stoll(argv[3])};
  const auto seed = static_cast<uint64_t>(std::stoll(argv[4]));
  const auto steps = static_cast<size_t>(std::stoll(argv[5]));
  std::vector<uint32_t> utterances;
  std::vector<int64_t> lengths;
  for (size_t i = 0; i < dataset.size(); ++i) {
    utterances.push_back(static_cast<uint32_t>(i));
    lengths.push_back(static_cast<int64_t>(dataset.num_samples(i)));
  }
  Json list = Json::array();
  for (int64_t epoch = 0; list.size() < steps; ++epoch) {
    const EpochPlan plan(utterances, lengths, settings, seed, epoch, 1);
    for (int64_t step = 0; step < plan.num_steps() && list.size() < steps; ++step) {
      list.push_back(plan.step(step).micro_batches.front().utterances);
    }
  }
  std::printf("%s\n", list.dump().c_str());
  return kExitDone;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: s2i-epoch-plan SHARDS/SPLIT BATCH POOL SEED STEPS\n");
    return s2i::kExitUsage;
  }
  return s2i::run_program([&] { return s2i::run(argv); });
}
