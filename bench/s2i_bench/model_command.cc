#include "bench/s2i_bench/model_command.h"

#include <algorithm>
#include <cstdio>

#include "bench/s2i_bench/scaling_model.h"
#include "bench/s2i_bench/synthetic.h"
#include "core/error.h"
#include "core/program.h"

namespace s2i {
namespace {

ComputeProfile read_profile(const ModelOptions& options) {
  const std::string& path = options.measured;
  const Json report = read_json(path);
  if (json_get<std::string>(report, "benchmark", path) != "train") {
    throw UserError("{}: not written by s2i-bench train --json", path);
  }
  ComputeProfile profile;
  profile.model = ClassifierConfig::from_json(json_get<Json>(report, "model_config", path), path);
  profile.frozen = {json_get<bool>(report, "frozen_feature_encoder", path),
                    json_get<int64_t>(report, "frozen_layers", path)};
  const Json compute = json_get<Json>(report, "compute", path);
  profile.forward_seconds_per_flop = json_get<double>(compute, "forward_seconds_per_flop", path);
  profile.backward_seconds_per_flop = json_get<double>(compute, "backward_seconds_per_flop", path);
  profile.jitter = json_get<double>(compute, "jitter", path);
  const Json phases = json_get<Json>(report, "phase_seconds", path);
  profile.optimizer_seconds = json_get<double>(phases, "optimizer", path);
  profile.data_seconds = json_get<double>(phases, "data", path);
  for (const auto& one : json_get<Json>(compute, "gradient_ready", path)) {
    profile.gradient_ready.push_back({one.at(0).get<int64_t>(), one.at(1).get<double>()});
  }
  if (options.flop_rate > 0) {
    profile.forward_seconds_per_flop = profile.backward_seconds_per_flop = 1 / options.flop_rate;
    profile.data_seconds = 0;
  }
  if (options.optimizer_seconds >= 0) profile.optimizer_seconds = options.optimizer_seconds;
  if (options.jitter >= 0) profile.jitter = options.jitter;
  profile.contention = options.contention;
  return profile;
}

BatchSettings batch_for(const ModelOptions& options, int ranks) {
  return {options.global_batch > 0 ? options.global_batch : options.rank_batch * ranks,
          options.micro_batch, options.pool_batches};
}

}  // namespace

int run_model(const ModelOptions& options) {
  const ComputeProfile profile = read_profile(options);
  ClusterShape cluster{1, options.ranks_per_node, parse_link(options.intra),
                       parse_link(options.inter)};
  const int most = *std::ranges::max_element(options.ranks);
  const int64_t utterances = options.utterances > 0
                                 ? options.utterances
                                 : batch_for(options, most).global_batch * options.pool_batches;
  const auto lengths = synthetic_lengths(utterances, 1);
  OrderedJson report = {{"benchmark", "model"},
                        {"measured", options.measured},
                        {"intra", options.intra},
                        {"inter", options.inter},
                        {"ranks_per_node", options.ranks_per_node},
                        {"utterances", utterances},
                        {"bucket_mib", options.bucket_mib}};
  report["predictions"] = OrderedJson::array();
  std::vector<std::vector<std::string>> table = {
      {"ranks", "reduction", "global batch", "step ms", "computing ms", "slowest rank ms",
       "exposed ms", "reduction ms", "hidden", "utterances/s", "efficiency"}};
  for (const auto& type : options.reduce_types) {
    const ReductionShape reduction{options.bucket_mib,
                                   choice_value(kReduceTypeChoices, type) == ReduceType::kBFloat16};
    cluster.ranks = 1;
    const BatchSettings alone_batch = batch_for(options, 1);
    const PredictedStep alone = predict_epoch(profile, cluster, reduction, alone_batch, lengths);
    const double alone_rate = static_cast<double>(alone_batch.global_batch) / alone.seconds;
    for (const int ranks : options.ranks) {
      cluster.ranks = ranks;
      const BatchSettings batch = batch_for(options, ranks);
      const PredictedStep step = predict_epoch(profile, cluster, reduction, batch, lengths);
      const double rate = static_cast<double>(batch.global_batch) / step.seconds;
      const double efficiency = rate / alone_rate / ranks;
      report["predictions"].push_back({{"ranks", ranks},
                                       {"reduce_type", type},
                                       {"global_batch", batch.global_batch},
                                       {"step_seconds", step.seconds},
                                       {"compute_seconds", step.compute},
                                       {"slowest_seconds", step.slowest},
                                       {"exposed_seconds", step.exposed},
                                       {"reduction_seconds", step.reduction},
                                       {"hidden", step.hidden()},
                                       {"utterances_per_second", rate},
                                       {"efficiency", efficiency}});
      const auto milliseconds = [](double seconds) { return fmt::format("{:.2f}", seconds * 1e3); };
      table.push_back({fmt::format("{}", ranks), type, fmt::format("{}", batch.global_batch),
                       milliseconds(step.seconds), milliseconds(step.compute),
                       milliseconds(step.slowest), milliseconds(step.exposed),
                       milliseconds(step.reduction), fmt::format("{:.0f}%", step.hidden() * 100),
                       fmt::format("{:.1f}", rate), fmt::format("{:.1f}%", efficiency * 100)});
    }
  }
  std::fputs(format_table(table).c_str(), stdout);
  if (!options.json.empty()) write_json(options.json, report);
  return kExitDone;
}

}  // namespace s2i
