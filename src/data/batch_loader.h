// Reads a rank's micro-batches ahead of the training loop: decode from the shards, check,
// normalize, pad, on a thread of its own.
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
  std::shared_ptr<float> audio;     ///< [B, T], zero behind each utterance's end.
  int64_t rows = 0;                 ///< B
  int64_t samples = 0;              ///< T
  std::vector<int64_t> length;      ///< [B] samples
  std::vector<int64_t> label;       ///< [B]
  std::vector<uint32_t> utterance;  ///< [B] index into the data set
};

struct LoaderSettings {
  bool normalize = false;       ///< Zero mean, unit variance per utterance (audio/normalize.h).
  bool verify = true;           ///< Check each utterance's checksum: a shard that changed is named.
  int64_t length_multiple = 1;  ///< T is rounded up to a multiple of this many samples.
  int64_t prefetch = 4;         ///< Micro-batches ready ahead of the loop.
  /// Memory for n floats; the default is ordinary memory, a GPU run passes pinned memory.
  std::function<std::shared_ptr<float>(size_t)> allocate;
};

/// Pads and normalizes the given utterances. Throws RunError naming the shard of a bad utterance.
Batch load_batch(const Dataset& dataset, const MicroBatch& micro_batch,
                 const LoaderSettings& settings);

class BatchLoader {
 public:
  /// Starts reading `work` in order. `dataset` must outlive the loader.
  BatchLoader(const Dataset& dataset, std::vector<MicroBatch> work, LoaderSettings settings);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  /// The next micro-batch; waits for it. Rethrows what went wrong in the reading thread.
  /// Calling it more often than there is work is a mistake of the caller (std::logic_error).
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
