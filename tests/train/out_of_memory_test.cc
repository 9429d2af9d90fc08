#include "train/out_of_memory.h"

#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

namespace s2i {
namespace {

TEST(OutOfMemory, IsDistinguishedFromOtherErrors) {
  try {
    at::empty({int64_t{1} << 50}, at::kFloat);
    FAIL() << "allocated 4 PiB";
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
