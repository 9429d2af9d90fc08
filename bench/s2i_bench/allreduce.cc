#include "bench/s2i_bench/allreduce.h"

#include <ATen/Functions.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>

#include "bench/s2i_bench/link.h"
#include "bench/s2i_bench/report.h"
#include "cluster/comm/global_values.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/program.h"
#include "train/config/cluster.h"
#include "train/join_cluster.h"

namespace s2i {
namespace {

constexpr int64_t kGroups = 5;

/// A communicator and the device of its tensors.
struct Backend {
  std::string name;
  Communicator* communicator;
  at::Device device;
};

/// Waits for the device.
void finish(const at::Tensor& tensor) {
  if (!tensor.is_cpu()) static_cast<void>(tensor.view({-1})[0].item());
}

/// The number of wrong elements in a sum over all ranks.
int64_t count_wrong(const Backend& backend, int64_t count, at::ScalarType type) {
  // Small integers: sums up to 256, so of up to 36 ranks, are exact in bfloat16. Beyond, allow
  // rounding.
  const at::Tensor pattern =
      at::arange(count, at::TensorOptions().dtype(at::kLong).device(backend.device))
          .remainder(7)
          .to(type);
  const at::Tensor sum = pattern.clone();
  backend.communicator->all_reduce_sum(sum, "check of the sum");
  const double ranks = backend.communicator->size();
  const double tolerance = type == at::kBFloat16 && ranks > 36 ? ranks / 256 : 1e-6;
  const at::Tensor expected = pattern.to(at::kDouble) * ranks;
  return at::gt(at::abs(sum.to(at::kDouble) - expected), tolerance * expected)
      .sum()
      .item<int64_t>();
}

/// Seconds per all-reduce of each group of iterations, on the slowest rank.
std::vector<double> time_size(const Backend& backend, const AllReduceOptions& options,
                              int64_t count, at::ScalarType type) {
  Communicator& communicator = *backend.communicator;
  const at::Tensor data =
      at::zeros({count}, at::TensorOptions().dtype(type).device(backend.device));
  const int64_t group = std::max<int64_t>(1, options.iterations / kGroups);
  std::vector<double> seconds(kGroups);
  for (int64_t i = 0; i < options.warmup; ++i) communicator.all_reduce_sum(data);
  finish(data);
  for (double& mean : seconds) {
    communicator.barrier();
    const Stopwatch watch;
    for (int64_t i = 0; i < group; ++i) communicator.all_reduce_sum(data);
    finish(data);
    mean = watch.seconds() / static_cast<double>(group);
  }
  global_max(communicator, seconds, "seconds per all-reduce");
  return seconds;
}

std::vector<int64_t> element_counts(const AllReduceOptions& options, int64_t element_bytes) {
  std::vector<int64_t> counts;
  auto bytes = static_cast<double>(options.min_bytes);
  while (bytes <= static_cast<double>(options.max_bytes)) {
    counts.push_back(std::max<int64_t>(1, std::llround(bytes) / element_bytes));
    bytes *= options.factor;
  }
  return counts;
}

// clang-tidy takes nlohmann-json's move, which is noexcept, for one that may throw.
struct BackendReport {  // NOLINT(bugprone-exception-escape)
  OrderedJson json;
  std::string text;
  int64_t wrong = 0;
};

BackendReport run_backend(const Backend& backend, const AllReduceOptions& options) {
  const auto type = options.type == ReduceType::kBFloat16 ? at::kBFloat16 : at::kFloat;
  const std::string type_name = choice_name(kReduceTypeChoices, options.type);
  const auto element_bytes = static_cast<int64_t>(c10::elementSize(type));
  const int ranks = backend.communicator->size();
  BackendReport report;
  OrderedJson sizes = OrderedJson::array();
  std::vector<LinkSample> samples;
  std::vector<std::vector<std::string>> table = {
      {"bytes", "count", "type", "time us", "least", "most", "algbw GB/s", "busbw GB/s", "wrong"}};
  for (const int64_t count : element_counts(options, element_bytes)) {
    const int64_t wrong = count_wrong(backend, count, type);
    const Spread time = spread_of(time_size(backend, options, count, type));
    const auto bytes = static_cast<double>(count * element_bytes);
    const double algorithm = bytes / time.median;
    const double bus = algorithm * bus_factor(ranks);
    report.wrong += wrong;
    samples.push_back({bytes, time.median});
    sizes.push_back({{"bytes", count * element_bytes},
                     {"count", count},
                     {"time_us", time.median * 1e6},
                     {"least_us", time.least * 1e6},
                     {"most_us", time.most * 1e6},
                     {"algbw_gbs", algorithm / 1e9},
                     {"busbw_gbs", bus / 1e9},
                     {"wrong", wrong}});
    table.push_back({fmt::format("{}", count * element_bytes), fmt::format("{}", count), type_name,
                     fmt::format("{:.1f}", time.median * 1e6),
                     fmt::format("{:.1f}", time.least * 1e6),
                     fmt::format("{:.1f}", time.most * 1e6), fmt::format("{:.3f}", algorithm / 1e9),
                     fmt::format("{:.3f}", bus / 1e9), fmt::format("{}", wrong)});
  }
  report.json = {{"backend", backend.name}, {"type", type_name}, {"sizes", sizes}};
  report.text = fmt::format("{}, {} ranks, {} all-reduces per size in {} groups\n{}", backend.name,
                            ranks, std::max<int64_t>(1, options.iterations / kGroups) * kGroups,
                            kGroups, format_table(table));
  if (ranks > 1 && samples.size() > 1) {
    const LinkFit fit = fit_link(samples, ranks);
    report.json["fit"] = {{"latency_us", fit.link.latency * 1e6},
                          {"busbw_gbs", fit.link.bandwidth / 1e9},
                          {"worst_error", fit.worst_error}};
    report.text += fmt::format(
        "  fit: latency {:.1f} us per round, bus bandwidth {:.3f} GB/s; largest error {:.0f}%\n",
        fit.link.latency * 1e6, fit.link.bandwidth / 1e9, fit.worst_error * 100);
  }
  return report;
}

}  // namespace

int run_all_reduce(const AllReduceOptions& options, const MpiSession& session) {
  if (options.min_bytes > options.max_bytes) {
    throw UserError("--min {} is larger than --max {}", options.min_bytes, options.max_bytes);
  }
  JoinSettings join;
  join.device = options.device;
  join.allow_shared_gpu = options.allow_shared_gpu;
  const Cluster cluster = join_cluster(session, join);
  std::unique_ptr<Communicator> mpi;
  std::vector<Backend> backends;
  if (!cluster.device.is_cpu() && session.size() > 1) {
    backends.push_back({"NCCL", cluster.communicator.get(), cluster.device});
    mpi = make_mpi_communicator(session);
    backends.push_back({"MPI", mpi.get(), at::kCPU});
  } else {
    backends.push_back(
        {session.size() == 1 ? "self" : "MPI", cluster.communicator.get(), cluster.device});
  }

  OrderedJson report = report_head("allreduce", cluster);
  report["results"] = OrderedJson::array();
  std::string text;
  int64_t wrong = 0;
  for (const Backend& backend : backends) {
    const BackendReport one = run_backend(backend, options);
    report["results"].push_back(one.json);
    text += one.text;
    wrong += one.wrong;
  }
  publish(cluster, text, report, options.json);
  if (wrong > 0)
    throw RunError("{} elements of the sums over ranks are wrong; see the table", wrong);
  return kExitDone;
}

}  // namespace s2i
