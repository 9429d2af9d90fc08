#include "checkpoint/host_tensors.h"

#include <ATen/Functions.h>
#include <gtest/gtest.h>

namespace s2i {
namespace {

NamedTensors some_tensors() {
  return {{"a", at::arange(7, at::kFloat)},
          {"b", at::full({}, 3.5, at::kDouble)},
          {"c", at::arange(6, at::kLong).view({2, 3})},
          {"none", at::empty({0, 4}, at::kFloat)},
          {"large", at::arange(20 << 20, at::kFloat)},  // more than a block
          {"d", at::ones({5}, at::kBFloat16)}};
}

TEST(HostTensors, HoldCopiesOfAllTensors) {
  const NamedTensors from = some_tensors();
  const NamedTensors to = host_tensors_like(from, /*pinned=*/false);
  ASSERT_TRUE(same_layout(from, to));
  for (size_t i = 0; i < from.size(); ++i) to[i].tensor.copy_(from[i].tensor);
  for (size_t i = 0; i < from.size(); ++i) {  // no copy overwrote another
    EXPECT_EQ(to[i].name, from[i].name);
    EXPECT_TRUE(to[i].tensor.equal(from[i].tensor)) << from[i].name;
    EXPECT_TRUE(to[i].tensor.is_contiguous());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(to[i].tensor.const_data_ptr()) % 64, 0U) << from[i].name;
  }
}

TEST(HostTensors, ShareBlocks) {
  const NamedTensors to = host_tensors_like(some_tensors(), /*pinned=*/false);
  EXPECT_TRUE(to[0].tensor.is_alias_of(to[2].tensor));
}

TEST(HostTensors, LayoutIsShapeAndType) {
  NamedTensors changed = some_tensors();
  changed[0].tensor = at::arange(8, at::kFloat);
  EXPECT_FALSE(same_layout(some_tensors(), changed));
  changed = some_tensors();
  changed[0].tensor = at::arange(7, at::kInt);
  EXPECT_FALSE(same_layout(some_tensors(), changed));
  changed.pop_back();
  EXPECT_FALSE(same_layout(some_tensors(), changed));
  EXPECT_TRUE(same_layout(some_tensors(), some_tensors()));
}

}  // namespace
}  // namespace s2i
