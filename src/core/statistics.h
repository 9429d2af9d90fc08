// Statistics of a few values.
#pragma once

#include <algorithm>
#include <vector>

namespace s2i {

/// The lower of the two middle values if their number is even. `values` is not empty.
inline double lower_median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// The mean of the two middle values if their number is even. `values` is not empty.
inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

}  // namespace s2i
