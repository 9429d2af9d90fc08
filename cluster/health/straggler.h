// Ranks that are persistently slower than the others, and where their time goes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace s2i {

/// What one rank worked, in seconds a step, waiting for other ranks left out. Steps end together on
/// all ranks, so only this tells who is slow.
struct RankWork {
  double data = 0;
  double forward = 0;
  double backward = 0;
  double total() const { return data + forward + backward; }
};

struct StragglerSettings {
  /// A rank is slow when its work takes more than this times the median of all ranks.
  double factor = 1.5;
  /// In so many reports in a row.
  int reports = 3;
};

/// Fed with every rank's work of some steps, again and again; names a slow rank once.
class StragglerWatch {
 public:
  StragglerWatch(StragglerSettings settings, std::vector<std::string> hosts);

  /// `work` in rank order. Returns a line for each rank that has now been slow often enough.
  std::vector<std::string> add(const std::vector<RankWork>& work);

 private:
  StragglerSettings settings_;
  std::vector<std::string> hosts_;
  std::vector<int> slow_in_a_row_;
  std::vector<bool> named_;
};

}  // namespace s2i
