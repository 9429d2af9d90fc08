#include "train/trouble.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

namespace s2i {
namespace {

TEST(SpikeDetector, FlagsWhatIsFarAboveTheMedian) {
  SpikeDetector spikes(5);
  for (int i = 0; i < 16; ++i) EXPECT_FALSE(spikes.add(i == 3 ? 100.0 : 1.0));  // too few to tell
  EXPECT_FALSE(spikes.add(4.9));
  EXPECT_TRUE(spikes.add(5.1));
  EXPECT_FALSE(spikes.add(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(spikes.add(1.0));
}

TEST(SpikeDetector, AHardUtteranceAmongLearnedOnesIsNone) {
  SpikeDetector spikes(5);
  for (int i = 0; i < 64; ++i) spikes.add(1e-4);
  EXPECT_FALSE(spikes.add(0.4));
  EXPECT_TRUE(spikes.add(0.6));
}

TEST(SpikeDetector, ZeroIsNever) {
  SpikeDetector spikes(0);
  for (int i = 0; i < 64; ++i) spikes.add(1.0);
  EXPECT_FALSE(spikes.add(1e9));
}

TEST(OutOfMemory, IsToldFromOtherErrors) {
  try {
    at::empty({int64_t{1} << 50}, at::kFloat);
    FAIL() << "4 PiB were given";
  } catch (const std::exception& error) {
    EXPECT_TRUE(is_out_of_memory(error)) << error.what();
  }
  EXPECT_TRUE(is_out_of_memory(std::bad_alloc()));
  EXPECT_FALSE(is_out_of_memory(std::runtime_error("another")));
  for (const char* text :
       {"CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED", "CUDA failed: out of memory in cudaMalloc"}) {
    EXPECT_TRUE(is_out_of_memory(std::runtime_error(text))) << text;
  }
  EXPECT_FALSE(is_out_of_memory(std::runtime_error("CUDA error: an illegal memory access")));
  try {
    at::empty({2, 3}).view({7});
  } catch (const std::exception& error) {
    EXPECT_FALSE(is_out_of_memory(error));
  }
}

}  // namespace
}  // namespace s2i
