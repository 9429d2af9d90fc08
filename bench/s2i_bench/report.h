// What the reports of all benchmarks share: medians with their spread, the machine, tables, JSON.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"
#include "train/join_cluster.h"

namespace s2i {

struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};

/// Of at least one value. The median of an even number is the mean of the middle two.
Spread spread_of(std::vector<double> values);

OrderedJson to_json(const Spread& spread);

/// The members that all reports start with: benchmark, version, date (UTC), host of rank 0, ranks,
/// nodes, device, threads.
OrderedJson report_head(const std::string& benchmark, const Cluster& cluster);

/// "cpu" or the name of the GPU.
std::string device_name(at::Device device);

/// The first row is the header. The first column is left-aligned, the others right-aligned.
std::string format_table(const std::vector<std::vector<std::string>>& rows);

/// On rank 0, prints the text and writes the report to `json_path` unless that is empty.
void publish(const Cluster& cluster, const std::string& text, const OrderedJson& report,
             const std::string& json_path);

}  // namespace s2i
