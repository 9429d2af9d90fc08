#include "bench/s2i_bench/link.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "core/error.h"

namespace s2i {
namespace {

int rounds(int ranks) { return static_cast<int>(std::ceil(std::log2(ranks))); }

Link link_from_file(const std::string& path) {
  const Json report = read_json(path);
  for (const auto& result : json_get<Json>(report, "results", path)) {
    if (result.contains("fit")) {
      return {json_get<double>(result["fit"], "latency_us", path) * 1e-6,
              json_get<double>(result["fit"], "busbw_gbs", path) * 1e9};
    }
  }
  throw UserError("{}: no fit in it; s2i-bench allreduce makes one with two ranks or more", path);
}

}  // namespace

double bus_factor(int ranks) { return 2.0 * (ranks - 1) / ranks; }

double all_reduce_seconds(const Link& link, double bytes, int ranks) {
  if (ranks == 1) return 0;
  return link.latency * rounds(ranks) + bus_factor(ranks) * bytes / link.bandwidth;
}

LinkFit fit_link(const std::vector<LinkSample>& samples, int ranks) {
  S2I_CHECK(ranks > 1 && samples.size() > 1);
  // seconds = a x + b y with x = rounds and y = bus bytes; each line divided by its seconds.
  double xx = 0, xy = 0, yy = 0, x1 = 0, y1 = 0;
  for (const auto& sample : samples) {
    const double x = rounds(ranks) / sample.seconds;
    const double y = bus_factor(ranks) * sample.bytes / sample.seconds;
    xx += x * x;
    xy += x * y;
    yy += y * y;
    x1 += x;
    y1 += y;
  }
  const double determinant = xx * yy - xy * xy;
  double a = (x1 * yy - y1 * xy) / determinant;
  double b = (y1 * xx - x1 * xy) / determinant;
  if (a < 0) a = 0, b = y1 / yy;
  if (b <= 0) a = x1 / xx, b = 0;
  LinkFit fit;
  fit.link = {a, b > 0 ? 1 / b : std::numeric_limits<double>::max()};
  for (const auto& sample : samples) {
    const double error = all_reduce_seconds(fit.link, sample.bytes, ranks) / sample.seconds - 1;
    fit.worst_error = std::max(fit.worst_error, std::abs(error));
  }
  return fit;
}

const std::vector<LinkPreset>& link_presets() {
  static const std::vector<LinkPreset> presets = {
      {"nvlink4", {10e-6, 370e9}, "H100 or H200 in one node: bus bandwidth as published for NCCL"},
      {"ib400x1", {20e-6, 45e9}, "one 400 Gb/s InfiniBand link a node, 90% of 50 GB/s"},
      {"ib400x8", {20e-6, 360e9}, "eight 400 Gb/s InfiniBand links a node, 90% of 400 GB/s"},
      {"eth100", {50e-6, 11e9}, "one 100 Gb/s Ethernet link a node, 90% of 12.5 GB/s"},
  };
  return presets;
}

Link parse_link(const std::string& text) {
  std::string names;
  for (const auto& preset : link_presets()) {
    if (text == preset.name) return preset.link;
    names += std::string(preset.name) + ", ";
  }
  if (std::filesystem::is_regular_file(text)) return link_from_file(text);
  double microseconds = 0, gigabytes = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "%lf:%lf%n", &microseconds, &gigabytes, &used) == 2 &&
      static_cast<size_t>(used) == text.size() && microseconds >= 0 && gigabytes > 0) {
    return {microseconds * 1e-6, gigabytes * 1e9};
  }
  throw UserError(
      "link '{}' is not one of {}nor MICROSECONDS:GB_PER_SECOND (as 20:45), nor a file that "
      "s2i-bench "
      "allreduce --json wrote",
      text, names);
}

}  // namespace s2i
