#include "bench/s2i_bench/report.h"

#include <ATen/Parallel.h>
#include <fmt/chrono.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cluster/placement/gpu_devices.h"
#include "core/error.h"

namespace s2i {

Spread spread_of(std::vector<double> values) {
  S2I_CHECK(!values.empty());
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

OrderedJson to_json(const Spread& spread) {
  return {{"median", spread.median}, {"least", spread.least}, {"most", spread.most}};
}

std::string device_name(at::Device device) {
  return device.is_cpu() ? "cpu" : gpu_info(device.index()).name;
}

OrderedJson report_head(const std::string& benchmark, const Cluster& cluster) {
  return {{"benchmark", benchmark},
          {"version", S2I_VERSION},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))},
          {"host", cluster.topology.host},
          {"ranks", cluster.topology.world_size},
          {"nodes", cluster.topology.num_nodes},
          {"device", device_name(cluster.device)},
          {"threads_per_rank", at::get_num_threads()}};
}

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? fmt::format("  {:<{}}", row[i], widths[i])
                     : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

void publish(const Cluster& cluster, const std::string& text, const OrderedJson& report,
             const std::string& json_path) {
  if (!cluster.is_main()) return;
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  if (!json_path.empty()) write_json(json_path, report);
}

}  // namespace s2i
