// Measures every operation of src/ops by itself: seconds, GB/s or FLOP/s, and how many times its
// plain form takes.
//
//   ops_bench [--benchmark_filter=REGEX] [--benchmark_min_time=SECONDS] [--benchmark_format=json]
//   ...
//
// The benchmarks are named operation/shape/type/device/pass, for example
// conv_groupnorm_gelu/base/fp32/cpu/forward_backward. Those of CUDA exist where there is a GPU;
// their time is that between two events of the stream. OMP_NUM_THREADS sets the number of threads
// on the CPU.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <torch/version.h>

#include <algorithm>
#include <string>

#include "core/program.h"
#include "operation_cases.h"
#include "timed_run.h"

namespace s2i {
namespace {

constexpr int kPlainRuns = 3;

void measure(benchmark::State& state, const OperationCase& c, Pass pass, at::Device device) {
  TimedRun run(c, pass, device);
  run.run();  // warm-up
  double seconds = 0;
  for ([[maybe_unused]] const auto iteration : state) {
    const double once = run.run();
    state.SetIterationTime(once);
    seconds += once;
  }
  const double work = c.forward_work + (pass == Pass::kForwardBackward ? c.backward_work : 0);
  state.counters[c.bound == Bound::kBytes ? "B/s" : "FLOP/s"] =
      benchmark::Counter(work, benchmark::Counter::kIsIterationInvariantRate);
  if (run.has_plain()) {
    run.run_plain();  // warm-up
    double fastest = run.run_plain();
    for (int i = 1; i < kPlainRuns; ++i) fastest = std::min(fastest, run.run_plain());
    state.counters["plain/this"] = fastest * static_cast<double>(state.iterations()) / seconds;
  }
}

void register_case(const OperationCase& c, at::Device device) {
  for (const Pass pass : {Pass::kForward, Pass::kForwardBackward}) {
    if (pass == Pass::kForwardBackward && c.backward_work == 0) continue;
    const std::string name = c.name + (device.is_cpu() ? "/cpu" : "/cuda") +
                             (pass == Pass::kForward ? "/forward" : "/forward_backward");
    benchmark::RegisterBenchmark(name.c_str(),
                                 [=](benchmark::State& state) { measure(state, c, pass, device); })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  }
}

int run(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return kExitUsage;
  benchmark::AddCustomContext("LibTorch", TORCH_VERSION);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  for (const OperationCase& c : operation_cases()) {
    register_case(c, at::kCPU);
    if (at::hasCUDA()) register_case(c, at::Device(at::kCUDA, 0));
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return kExitDone;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  return s2i::run_program([&] { return s2i::run(argc, argv); });
}
