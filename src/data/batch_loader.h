// Prefetches a rank's micro-batches in a background thread: read from the shards, verify the
// checksums, normalize, pad.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "core/bounded_queue.h"
#include "data/dataset.h"
#include "data/epoch_plan.h"

namespace s2i {

/// One padded micro-batch of B utterances, T samples each.
struct Batch {
  std::shared_ptr<float> audio;     ///< [B, T], zero-padded after each utterance.
  int64_t rows = 0;                 ///< B
  int64_t samples = 0;              ///< T
  std::vector<int64_t> length;      ///< [B] samples
  std::vector<int64_t> label;       ///< [B]
  std::vector<uint32_t> utterance;  ///< [B] index into the dataset
};

struct LoaderSettings {
  bool normalize = false;       ///< Zero mean, unit variance per utterance (audio/normalize.h).
  bool verify = true;           ///< Verify the checksum of each utterance.
  int64_t length_multiple = 1;  ///< T is rounded up to a multiple of this many samples.
  int64_t prefetch = 4;         ///< Number of micro-batches to prefetch.
  /// Allocates n floats. The default is pageable memory; GPU runs pass an allocator of pinned
  /// memory.
  std::function<std::shared_ptr<float>(size_t)> allocate;
};

/// Reads, normalizes and pads the given utterances. Throws RunError naming the shard of a corrupt
/// utterance.
Batch load_batch(const Dataset& dataset, const MicroBatch& micro_batch,
                 const LoaderSettings& settings);

class BatchLoader {
 public:
  /// Starts to read `work` in order. `dataset` must outlive the loader.
  BatchLoader(const Dataset& dataset, std::vector<MicroBatch> work, LoaderSettings settings);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// Returns the next micro-batch; blocks until it is ready. Rethrows exceptions of the background
  /// thread. Throws std::logic_error if there are no more micro-batches.
  Batch next();

 private:
  struct Item {
    Batch batch;
    std::exception_ptr error;
  };

  BoundedQueue<Item> queue_;
  std::jthread thread_;
};

}  // namespace s2i
