// What a program needs before it can compute: its place in the cluster, its data, its model. Shared
// by s2i-train, s2i-evaluate and the benchmarks.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "classification/pretrained.h"
#include "cluster/comm/communicator.h"
#include "cluster/health/progress_file.h"
#include "cluster/health/watchdog.h"
#include "cluster/placement/topology.h"
#include "data/batch_loader.h"
#include "data/dataset.h"
#include "train/config.h"

namespace s2i {

/// This rank's place, device and communicator, and what looks after them.
struct Cluster {
  Topology topology;
  at::Device device = at::kCPU;
  int threads = 1;  ///< With which this rank computes on the CPU.
  std::unique_ptr<Communicator> communicator;
  std::unique_ptr<Watchdog> watchdog;
  std::unique_ptr<ProgressFile> progress;  ///< With a run folder alone.
  bool is_main() const { return topology.rank == 0; }
};

/// Finds device and threads and connects the ranks. Collective.
Cluster join_cluster(const MpiSession& session, const RunConfig& run, const ClusterConfig& cluster);

/// What cluster.reproducible asks of the device: kernels whose sums have a fixed order. Throws
/// UserError when run.threads is open on a CPU.
void make_deterministic(const Cluster& cluster, const RunConfig& run);

/// Opens DIR/SPLIT; `key` is the setting or flag that named the split. Throws UserError.
Dataset open_split(const std::string& dir, const std::string& split, const std::string& key);

/// Throws UserError when the two do not have the same intents in the same order.
void require_same_intents(const std::vector<std::string>& expected,
                          const std::vector<std::string>& found, const std::string& expected_where,
                          const std::string& found_where);

/// A model with what its folder says of the audio it wants.
struct LoadedModel {
  std::unique_ptr<IntentClassifier> model;
  PreprocessorConfig preprocessor;
  bool normalize = false;
};

/// Loads model.init for the given intents and applies the settings (freezing included). Logs what
/// was initialized or ignored.
LoadedModel load_model(const ModelConfig& settings, const std::vector<std::string>& intents,
                       int64_t seed, const Cluster& cluster);

/// Loads a trained classifier as it is: for evaluation and prediction. Throws UserError when the
/// folder has no head.
LoadedModel load_classifier(const std::string& init, at::Device device);

/// Throws UserError when the model cannot work on the data: another sample rate, or utterances
/// shorter than one frame, which are named.
void require_usable(const Dataset& dataset, const LoadedModel& model);

/// Padding mode ("masked", "huggingface", "huggingface_unmasked") and type ("fp32", "bf16").
ForwardOptions forward_options(const std::string& padding, const std::string& precision);

}  // namespace s2i
