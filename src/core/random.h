// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC'11). There is no generator state to checkpoint, and a random number depends on the
// utterance and the step, not on the rank or batch that processes them. Header-only; also used by
// the CUDA kernels.
#pragma once

#include <cstdint>
#include <utility>

#ifdef __CUDACC__
#define S2I_HOST_DEVICE __host__ __device__
#else
#define S2I_HOST_DEVICE
#endif

namespace s2i {

struct PhiloxBlock {
  uint32_t word[4];
};

/// Four random words for a 128-bit counter (low, high) and a 64-bit key.
S2I_HOST_DEVICE inline PhiloxBlock philox(uint64_t key, uint64_t counter_low,
                                          uint64_t counter_high) {
  uint32_t c0 = static_cast<uint32_t>(counter_low), c1 = static_cast<uint32_t>(counter_low >> 32);
  uint32_t c2 = static_cast<uint32_t>(counter_high), c3 = static_cast<uint32_t>(counter_high >> 32);
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(0xD2511F53U) * c0;
    const uint64_t p1 = static_cast<uint64_t>(0xCD9E8D57U) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(p1);
    c3 = static_cast<uint32_t>(p0);
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return {{c0, c1, c2, c3}};
}

/// The finalizer of SplitMix64: a bijection in which every output bit depends on every input bit.
S2I_HOST_DEVICE inline uint64_t mix_bits(uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31);
}

/// Derives a distinct key for each sequence of parts, e.g. derive_key(seed, purpose, step,
/// utterance).
template <typename... Parts>
S2I_HOST_DEVICE uint64_t derive_key(uint64_t seed, Parts... parts) {
  uint64_t key = mix_bits(seed);
  // The constant separates the seed from the parts: without it, (a, b) and (b, a) give the same
  // key.
  ((key = mix_bits(key + mix_bits(static_cast<uint64_t>(parts) ^ 0xD6E8FEB86659FD93ULL))), ...);
  return key;
}

/// The first key part after the seed, so that different uses draw from independent streams.
enum class RandomPurpose : uint64_t {
  kEpochOrder = 1,
  kValidationSplit,
  kInitialWeights,
  kDropout,
  kLayerDrop,
  kSpecAugmentTime,
  kSpecAugmentFeature,
  kSpeakerBootstrap,
};

/// A sequence of random numbers for one key.
class RandomStream {
 public:
  explicit RandomStream(uint64_t key) : key_(key) {}

  uint32_t next() {
    if (used_ == 4) {
      block_ = philox(key_, counter_++, 0);
      used_ = 0;
    }
    return block_.word[used_++];
  }

  /// Uniform in [0, 1), 32 bits.
  double uniform() { return next() * 0x1.0p-32; }

  /// Uniform in [0, n), without bias (Lemire's method); n > 0.
  uint32_t below(uint32_t n) {
    while (true) {
      const uint64_t product = static_cast<uint64_t>(next()) * n;
      const auto low = static_cast<uint32_t>(product);
      if (low >= n || low >= (0U - n) % n) return static_cast<uint32_t>(product >> 32);
    }
  }

  /// Fisher-Yates; the same order on every platform, unlike std::shuffle.
  template <typename Container>
  void shuffle(Container& items) {
    for (uint32_t i = static_cast<uint32_t>(items.size()); i > 1; --i) {
      using std::swap;
      swap(items[i - 1], items[below(i)]);
    }
  }

 private:
  uint64_t key_;
  uint64_t counter_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

}  // namespace s2i
