#include "bench/s2i_bench/train.h"

#include <ATen/Functions.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "cluster/comm/global_values.h"
#include "cluster/placement/peak_memory.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

/// A value of every step.
std::vector<double> each(const Measurement& measured,
                         const std::function<double(const StepSample&)>& value) {
  std::vector<double> values;
  for (const auto& sample : measured.steps) values.push_back(value(sample));
  return values;
}

double total(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

/// Relative deviation of the seconds per FLOP from step to step, robust against outliers.
double compute_jitter(const Measurement& measured) {
  const auto rates = each(measured, [](const StepSample& s) {
    return (s.record.seconds.forward + s.record.seconds.backward) / std::max(1.0, s.own.total());
  });
  const double middle = spread_of(rates).median;
  std::vector<double> deviations;
  deviations.reserve(rates.size());
  for (const double rate : rates) deviations.push_back(std::abs(rate - middle));
  return 1.4826 * spread_of(deviations).median / middle;  // of a normal distribution
}

OrderedJson gradient_ready_json(const std::vector<GradientReady>& ready) {
  OrderedJson list = OrderedJson::array();
  for (const auto& one : ready) list.push_back({one.bytes, one.fraction});
  return list;
}

/// The workload, for the reader and for s2i-bench model.
void describe(OrderedJson& report, const Workbench& bench) {
  const TrainConfig& config = bench.config();
  report["model"] = bench.model_name();
  report["model_config"] = bench.model_config().to_json();
  report["frozen_feature_encoder"] = bench.frozen().feature_encoder;
  report["frozen_layers"] = bench.frozen().lower_layers;
  report["trained_parameters"] = bench.trained_parameters();
  report["data"] = bench.data_name();
  report["precision"] = choice_name(kPrecisionChoices, config.precision);
  report["reduce_type"] = choice_name(kReduceTypeChoices, config.cluster.reduce_type);
  report["global_batch"] = config.batch.global_batch;
  report["micro_batch"] = config.batch.micro_batch;
  report["length_multiple"] = config.batch.length_multiple;
  report["warmup"] = bench.options().warmup;
  report["steps"] = bench.options().steps;
}

OrderedJson phases_json(const Measurement& measured) {
  const auto median = [&](double StepSeconds::*phase) {
    return spread_of(each(measured, [&](const StepSample& s) { return s.record.seconds.*phase; }))
        .median;
  };
  return {{"data", median(&StepSeconds::data)},
          {"forward", median(&StepSeconds::forward)},
          {"backward", median(&StepSeconds::backward)},
          {"reduction", median(&StepSeconds::reduction)},
          {"optimizer", median(&StepSeconds::optimizer)}};
}

int measure_one(const TrainBenchOptions& options, Workbench& bench) {
  Communicator& communicator = *bench.cluster().communicator;
  const auto type = bench.config().precision == Precision::kBFloat16 ? at::kBFloat16 : at::kFloat;
  communicator.barrier("peak");
  const double peak =
      global_sum(communicator, matmul_peak(bench.cluster().device, type), "peak FLOP/s");
  const Measurement measured =
      bench.measure(communicator, {bench.batch(), bench.config().cluster.bucket_mib, true});

  const auto seconds = each(measured, [](const StepSample& s) { return s.record.seconds.total; });
  const double all_seconds = global_max(communicator, total(seconds), "seconds of the steps");
  const auto rate = [&](const std::function<double(const StepSample&)>& value) {
    return total(each(measured, value)) / all_seconds;
  };
  PaddingCount padding;
  for (const auto& sample : measured.steps) {
    padding.real += sample.padding.real;
    padding.padded += sample.padding.padded;
  }
  const auto steps = static_cast<double>(measured.steps.size());
  const double utterances =
      rate([](const auto& s) { return static_cast<double>(s.record.utterances); });
  const double audio =
      rate([](const auto& s) { return static_cast<double>(s.padding.real) / 16000.0; });
  const double flop_rate = rate([](const auto& s) { return s.all; });
  const double useful_rate = rate([](const auto& s) { return s.useful; });
  const double waiting =
      total(each(measured, [](const auto& s) { return s.record.seconds.data; })) / total(seconds);
  const double hidden =
      spread_of(each(measured, [](const auto& s) { return s.record.reduction_hidden; })).median;
  const double host_bytes =
      global_max(communicator, static_cast<double>(peak_host_bytes()), "host memory");
  const double device_bytes =
      global_max(communicator, static_cast<double>(peak_device_bytes(bench.cluster().device)),
                 "device memory");
  const Spread step = spread_of(seconds);

  OrderedJson report = report_head("train", bench.cluster());
  describe(report, bench);
  report["bucket_mib"] = bench.config().cluster.bucket_mib;
  report["buckets"] = measured.buckets;
  report["gradient_bytes"] = measured.gradient_bytes;
  report["step_seconds"] = to_json(step);
  report["phase_seconds"] = phases_json(measured);
  report["utterances_per_second"] = utterances;
  report["audio_seconds_per_second"] = audio;
  report["padding"] = padding.fraction();
  report["data_wait"] = waiting;
  report["reduction_hidden"] = hidden;
  report["flop_per_step"] = total(each(measured, [](const auto& s) { return s.all; })) / steps;
  report["useful_flop_per_step"] =
      total(each(measured, [](const auto& s) { return s.useful; })) / steps;
  report["flop_per_second"] = flop_rate;
  report["peak_flop_per_second"] = peak;
  report["share_of_peak"] = flop_rate / peak;
  report["useful_share_of_peak"] = useful_rate / peak;
  report["host_memory_bytes"] = host_bytes;
  report["device_memory_bytes"] = device_bytes;
  // Of rank 0, for s2i-bench model.
  const auto per_flop = [&](double StepSeconds::*phase, FlopCount StepFlop::*part) {
    return total(each(measured, [&](const auto& s) { return s.record.seconds.*phase; })) /
           std::max(1.0,
                    total(each(measured, [&](const auto& s) { return (s.own.*part).total(); })));
  };
  report["compute"] = {
      {"forward_seconds_per_flop", per_flop(&StepSeconds::forward, &StepFlop::forward)},
      {"backward_seconds_per_flop", per_flop(&StepSeconds::backward, &StepFlop::backward)},
      {"jitter", compute_jitter(measured)},
      {"gradient_ready", gradient_ready_json(measured.gradient_ready)}};

  const auto table = format_table({
      {"", "median", "least", "most"},
      {"step, s", fmt::format("{:.4f}", step.median), fmt::format("{:.4f}", step.least),
       fmt::format("{:.4f}", step.most)},
  });
  const std::string text = fmt::format(
      "{}, {}, global batch {}, {}, {} trained parameters, {} steps after {} warm-up steps\n{}"
      "  {:.2f} utterances/s, {:.1f} s of audio/s, padding {:.1f}%\n"
      "  {:.4g} FLOP/s, {:.1f}% of the {:.4g} of matrix products; {:.1f}% without padding\n"
      "  waiting for data {:.2f}% of the time; reduction of {:.1f} MiB in {} buckets, {:.0f}% "
      "hidden\n"
      "  peak memory {:.2f} GiB per rank{}\n",
      bench.model_name(), bench.data_name(), bench.config().batch.global_batch,
      choice_name(kPrecisionChoices, bench.config().precision), bench.trained_parameters(),
      bench.options().steps, bench.options().warmup, table, utterances, audio,
      padding.fraction() * 100, flop_rate, flop_rate / peak * 100, peak, useful_rate / peak * 100,
      waiting * 100, static_cast<double>(measured.gradient_bytes) / (1 << 20), measured.buckets,
      hidden * 100, host_bytes / (1 << 30),
      device_bytes > 0 ? fmt::format(", {:.2f} GiB on the GPU", device_bytes / (1 << 30)) : "");
  publish(bench.cluster(), text, report, options.json);
  return kExitDone;
}

int find_bucket(const TrainBenchOptions& options, Workbench& bench) {
  Communicator& communicator = *bench.cluster().communicator;
  if (communicator.size() == 1) throw UserError("--find-bucket needs two ranks or more");
  const double all_mib = static_cast<double>(bench.trained_parameters()) * 4 / (1 << 20);
  std::vector<double> sizes;
  double mib = 1;
  while (mib < all_mib) {
    sizes.push_back(mib);
    mib *= 2.5;
  }
  sizes.push_back(std::max(1.0, std::ceil(all_mib)));
  std::vector<std::vector<double>> seconds(sizes.size());
  std::vector<int> buckets(sizes.size());
  std::vector<double> hidden(sizes.size());
  constexpr int kRounds = 3;  // in turns, so that other load affects all sizes
  for (int round = 0; round < kRounds; ++round) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      const Measurement measured = bench.measure(communicator, {bench.batch(), sizes[i], false});
      const auto times = each(measured, [](const StepSample& s) { return s.record.seconds.total; });
      seconds[i].push_back(global_max(communicator, total(times), "seconds of the steps") /
                           static_cast<double>(times.size()));
      buckets[i] = measured.buckets;
      hidden[i] +=
          spread_of(each(measured, [](const auto& s) { return s.record.reduction_hidden; }))
              .median /
          kRounds;
    }
  }
  OrderedJson report = report_head("find-bucket", bench.cluster());
  describe(report, bench);
  report["sizes"] = OrderedJson::array();
  std::vector<std::vector<std::string>> table = {
      {"cluster.bucket_mib", "buckets", "step s", "least", "most", "hidden"}};
  size_t best = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Spread spread = spread_of(seconds[i]);
    if (spread.median < spread_of(seconds[best]).median) best = i;
    report["sizes"].push_back({{"bucket_mib", sizes[i]},
                               {"buckets", buckets[i]},
                               {"step_seconds", to_json(spread)},
                               {"reduction_hidden", hidden[i]}});
    table.push_back({fmt::format("{:.4g}", sizes[i]), fmt::format("{}", buckets[i]),
                     fmt::format("{:.4f}", spread.median), fmt::format("{:.4f}", spread.least),
                     fmt::format("{:.4f}", spread.most), fmt::format("{:.0f}%", hidden[i] * 100)});
  }
  report["best_bucket_mib"] = sizes[best];
  publish(bench.cluster(),
          fmt::format("{}Best: cluster.bucket_mib={:.4g}\n", format_table(table), sizes[best]),
          report, options.json);
  return kExitDone;
}

}  // namespace

int run_train_bench(const TrainBenchOptions& options, const MpiSession& session) {
  Workbench bench(options.workbench, session);
  return options.find_bucket ? find_bucket(options, bench) : measure_one(options, bench);
}

}  // namespace s2i
