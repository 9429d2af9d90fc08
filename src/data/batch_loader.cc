#include "data/batch_loader.h"

#include <algorithm>
#include <utility>

#include "audio/normalize.h"
#include "core/error.h"

namespace s2i {
namespace {

std::shared_ptr<float> allocate_pageable(size_t count) {
  return {new float[count], std::default_delete<float[]>()};
}

}  // namespace

Batch load_batch(const Dataset& dataset, const MicroBatch& micro_batch,
                 const LoaderSettings& settings) {
  Batch batch;
  batch.rows = static_cast<int64_t>(micro_batch.utterances.size());
  for (const uint32_t utterance : micro_batch.utterances) {
    batch.length.push_back(static_cast<int64_t>(dataset.num_samples(utterance)));
    batch.label.push_back(dataset.label(utterance));
    batch.utterance.push_back(utterance);
    batch.samples = std::max(batch.samples, batch.length.back());
  }
  const int64_t multiple = settings.length_multiple;
  batch.samples = (batch.samples + multiple - 1) / multiple * multiple;
  const auto width = static_cast<size_t>(batch.samples);
  const auto count = static_cast<size_t>(batch.rows) * width;
  batch.audio = settings.allocate ? settings.allocate(count) : allocate_pageable(count);
  for (size_t row = 0; row < batch.utterance.size(); ++row) {
    const std::span<float> line(batch.audio.get() + row * width, width);
    const auto audio = line.first(static_cast<size_t>(batch.length[row]));
    dataset.read_samples(batch.utterance[row], audio, settings.verify);
    if (settings.normalize) normalize(audio);
    std::fill(line.begin() + batch.length[row], line.end(), 0.0F);
  }
  return batch;
}

BatchLoader::BatchLoader(const Dataset& dataset, std::vector<MicroBatch> work,
                         LoaderSettings settings)
    : queue_(static_cast<size_t>(std::max<int64_t>(1, settings.prefetch))),
      thread_([this, &dataset, work = std::move(work), settings = std::move(settings)] {
        for (const auto& micro_batch : work) {
          Item item;
          try {
            item.batch = load_batch(dataset, micro_batch, settings);
          } catch (...) {
            item.error = std::current_exception();
          }
          const bool failed = item.error != nullptr;
          if (!queue_.push(std::move(item)) || failed) break;
        }
        queue_.close();
      }) {}

BatchLoader::~BatchLoader() { queue_.close(); }

Batch BatchLoader::next() {
  std::optional<Item> item = queue_.pop();
  S2I_CHECK(item.has_value(), "the loader has no more work");
  if (item->error) std::rethrow_exception(item->error);
  return std::move(item->batch);
}

}  // namespace s2i
