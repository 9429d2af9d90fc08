#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "bench/s2i_bench/train.h"
#include "cluster/comm/mpi_check.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

/// A barrier that sleeps, so that the cores are free for the ranks that compute.
void wait_for_all(const MpiSession& session) {
  MPI_Request request = MPI_REQUEST_NULL;
  S2I_MPI(MPI_Ibarrier(session.world(), &request));
  for (int done = 0; true;) {
    S2I_MPI(MPI_Test(&request, &done, MPI_STATUS_IGNORE));
    if (done != 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

/// 1, 2, 4 ... and `all`.
std::vector<int> rank_counts(int all) {
  std::vector<int> counts;
  for (int n = 1; n < all; n *= 2) counts.push_back(n);
  counts.push_back(all);
  return counts;
}

/// One row of the table.
struct Point {
  int ranks = 1;
  int64_t global_batch = 0;
  std::vector<double> step_seconds;  ///< Mean of each round.
  std::vector<double> hidden;
  double padding = 0;

  double rate() const { return static_cast<double>(global_batch) / spread_of(step_seconds).median; }
};

/// Adds a measurement of `point` on its ranks; the others wait. Collective over the session.
void measure(Point& point, Workbench& bench, const MpiSession& session) {
  const MpiSession part(session, session.rank() < point.ranks ? 0 : 1);
  if (session.rank() < point.ranks) {
    CommunicatorOptions options;
    options.time_limit_seconds = bench.config().cluster.timeout_seconds;
    const auto communicator = make_communicator(part, bench.cluster().device, options);
    BatchSettings batch = bench.batch();
    batch.global_batch = point.global_batch;
    const Measurement measured =
        bench.measure(*communicator, {batch, bench.config().cluster.bucket_mib, false});
    double seconds = 0;
    std::vector<double> hidden;
    PaddingCount padding;
    for (const auto& sample : measured.steps) {
      seconds += sample.record.seconds.total;
      hidden.push_back(sample.record.reduction_hidden);
      padding.real += sample.padding.real;
      padding.padded += sample.padding.padded;
    }
    point.step_seconds.push_back(seconds / static_cast<double>(measured.steps.size()));
    point.hidden.push_back(spread_of(hidden).median);
    point.padding = padding.fraction();
  }
  wait_for_all(session);
}

OrderedJson to_json(const Point& point, double efficiency) {
  return {{"ranks", point.ranks},
          {"global_batch", point.global_batch},
          {"step_seconds", to_json(spread_of(point.step_seconds))},
          {"utterances_per_second", point.rate()},
          {"speedup", efficiency * point.ranks},
          {"efficiency", efficiency},
          {"padding", point.padding},
          {"reduction_hidden", spread_of(point.hidden).median}};
}

}  // namespace

int run_scale(const ScaleOptions& options, const MpiSession& session) {
  Workbench bench(options.workbench, session);
  const int64_t global_batch = bench.batch().global_batch;
  const int64_t rank_batch = options.rank_batch > 0
                                 ? options.rank_batch
                                 : std::max<int64_t>(1, global_batch / session.size());
  std::vector<Point> strong, weak;
  for (const int n : rank_counts(session.size())) {
    strong.push_back({n, global_batch, {}, {}, 0});
    weak.push_back({n, rank_batch * n, {}, {}, 0});
  }
  for (int64_t round = 0; round < options.rounds; ++round) {
    for (auto* points : {&strong, &weak}) {
      for (auto& point : *points) measure(point, bench, session);
    }
  }
  if (!bench.cluster().is_main()) return kExitDone;

  OrderedJson report = report_head("scale", bench.cluster());
  report["model"] = bench.model_name();
  report["data"] = bench.data_name();
  const std::string precision = choice_name(kPrecisionChoices, bench.config().precision);
  report["precision"] = precision;
  report["reduce_type"] = choice_name(kReduceTypeChoices, bench.config().cluster.reduce_type);
  report["rounds"] = options.rounds;
  std::string text = fmt::format("{}, {}, {}, {} thread(s) per rank\n", bench.model_name(),
                                 bench.data_name(), precision, at::get_num_threads());
  for (const auto& [name, points] : {std::pair("strong", &strong), std::pair("weak", &weak)}) {
    std::vector<std::vector<std::string>> table = {
        {fmt::format("{} scaling: ranks", name), "global batch", "step s", "least", "most",
         "utterances/s", "speedup", "efficiency", "hidden", "padding"}};
    report[name] = OrderedJson::array();
    for (const auto& point : *points) {
      const Spread step = spread_of(point.step_seconds);
      const double efficiency = point.rate() / points->front().rate() / point.ranks;
      report[name].push_back(to_json(point, efficiency));
      table.push_back({fmt::format("{}", point.ranks), fmt::format("{}", point.global_batch),
                       fmt::format("{:.4f}", step.median), fmt::format("{:.4f}", step.least),
                       fmt::format("{:.4f}", step.most), fmt::format("{:.2f}", point.rate()),
                       fmt::format("{:.2f}", efficiency * point.ranks),
                       fmt::format("{:.1f}%", efficiency * 100),
                       fmt::format("{:.0f}%", spread_of(point.hidden).median * 100),
                       fmt::format("{:.1f}%", point.padding * 100)});
    }
    text += format_table(table);
  }
  publish(bench.cluster(), text, report, options.json);
  return kExitDone;
}

}  // namespace s2i
