// Compares a training run on a GPU with the same run on the CPU: dropout's draws bit by bit,
// logits, gradients, the losses of ten optimizer steps and where the weights are after them.
//
//   device_compare [--device auto|cpu|cuda] [--shape small|full] [--json FILE]
//
// The reference is the CPU in float32, the whole batch in one forward pass. What is compared with
// it runs on the device, in two forward passes a step. With --device cpu the same comparison runs
// without a GPU. bfloat16 is held to what bfloat16 costs on the CPU. Exit status 1 when a
// difference is beyond its limit.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <torch/version.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <thread>
#include <utility>

#include "cluster/comm/nccl_communicator.h"
#include "cluster/placement/gpu_devices.h"
#include "cluster/placement/run_table.h"
#include "compared_run.h"
#include "core/clock.h"
#include "core/error.h"
#include "core/json.h"
#include "core/program.h"
#include "ops/dropout/dropout.h"
#include "ops/dropout/dropout_reference.h"
#include "ops/position_bias/position_bias.h"
#include "ops/position_matrix/position_matrix.h"

namespace s2i {
namespace {

/// How far float32 results may be apart, and the least that bfloat16 ones are allowed. The
/// gradients of single parameters are the noisiest: where they cancel, float32 keeps few digits.
struct Limits {
  double logits, gradient, worst_gradient, losses, weights;
};
constexpr Limits kFloat32Limits = {1e-4, 1e-4, 5e-3, 1e-4, 2e-2};
constexpr Limits kBFloat16Least = {2e-2, 5e-2, 2e-1, 2e-2, 2e-1};
/// bfloat16 on the device may err so many times as much as bfloat16 on the CPU.
constexpr double kBFloat16Factor = 2.5;
/// A parameter's gradient counts as at least so large a share of the whole gradient.
constexpr double kGradientFloor = 1e-4;

struct Differences {
  double logits = 0, gradient = 0, worst_gradient = 0, losses = 0, weights = 0;
  std::string worst_parameter;
};

double length_of(const at::Tensor& tensor) { return tensor.to(at::kDouble).norm().item<double>(); }

Differences compare(const RunResult& run, const RunResult& reference) {
  Differences found;
  found.logits = (run.logits - reference.logits).abs().max().item<double>() /
                 reference.logits.abs().max().item<double>();
  double squares = 0, error_squares = 0;
  for (const auto& [name, grad] : reference.gradients) squares += length_of(grad) * length_of(grad);
  for (size_t i = 0; i < reference.gradients.size(); ++i) {
    const auto& [name, expected] = reference.gradients[i];
    const double error = length_of(run.gradients[i].second - expected);
    error_squares += error * error;
    const double share = error / std::max(length_of(expected), kGradientFloor * std::sqrt(squares));
    if (!(share <= found.worst_gradient)) {
      found.worst_gradient = share;
      found.worst_parameter = name;
    }
  }
  found.gradient = std::sqrt(error_squares / squares);
  for (size_t i = 0; i < reference.losses.size(); ++i) {
    // Relative to the first loss: the four utterances are learned within the ten steps, and a
    // fraction of a loss near zero says nothing.
    const double error = std::abs(run.losses[i] - reference.losses[i]) / reference.losses.front();
    if (!(error <= found.losses)) found.losses = error;
  }
  found.weights =
      length_of(run.after - reference.after) / length_of(reference.after - reference.before);
  return found;
}

class Report {
 public:
  explicit Report(std::string device) : device_(std::move(device)) {}

  void add(const std::string& form, const char* type, const std::string& what, double error,
           double limit, const std::string& where = "") {
    const bool passed = error <= limit;  // false for NaN
    failures_ += passed ? 0 : 1;
    std::printf("%-6s %-14s %-5s %-26s %9.2e  limit %.0e  %s\n", passed ? "ok" : "FAILED",
                form.c_str(), type, what.c_str(), error, limit, where.c_str());
    std::fflush(stdout);
    checks_.push_back({{"form", form},
                       {"type", type},
                       {"quantity", what},
                       {"device", device_},
                       {"error", error},
                       {"limit", limit},
                       {"where", where},
                       {"passed", passed}});
  }

  void add_run(const std::string& form, const char* type, const Differences& d, const Limits& most,
               int64_t steps) {
    add(form, type, "logits", d.logits, most.logits);
    add(form, type, "gradient", d.gradient, most.gradient);
    add(form, type, "gradient, worst parameter", d.worst_gradient, most.worst_gradient,
        d.worst_parameter);
    add(form, type, fmt::format("losses of {} steps", steps), d.losses, most.losses);
    add(form, type, fmt::format("weights after {} steps", steps), d.weights, most.weights);
  }

  const OrderedJson& checks() const { return checks_; }
  int failures() const { return failures_; }

 private:
  std::string device_;
  OrderedJson checks_ = OrderedJson::array();
  int failures_ = 0;
};

/// Every draw and every rounding is defined: nothing may differ.
void compare_dropout(Report& report, at::Device device, bool mistake) {
  const at::Tensor keys = at::tensor({int64_t{3}, int64_t{-5}}, at::kLong);
  for (const auto& shape : {std::vector<int64_t>{2, 9, 13}, {2, 3, 31, 77}, {2, 50, 768}}) {
    const at::Tensor x = at::sin(at::arange(c10::multiply_integers(shape), at::kFloat)).view(shape);
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor input = x.to(type);
      const at::Tensor expected =
          dropout_reference(input.to(at::kFloat), keys, mistake ? 18 : 17, 0.3).to(type);
      const at::Tensor got = dropout(input.to(device), keys.to(device), 17, 0.3).to(at::kCPU, type);
      report.add("-", type == at::kFloat ? "fp32" : "bf16",
                 fmt::format("dropout of {} values", x.numel()),
                 got.ne(expected).sum().item<double>(), 0);
    }
  }
}

/// Forward and backward of an operation on the device against those of the CPU, for an input and a
/// gradient.
void compare_bits(Report& report, const char* name, at::Device device,
                  at::Tensor (*operation)(const at::Tensor&), const at::Tensor& input,
                  const at::Tensor& grad, bool mistake) {
  const auto run = [&](at::Device on, double factor) {
    const at::Tensor leaf = (input * factor).to(on).set_requires_grad(true);
    const at::Tensor output = operation(leaf);
    output.backward((grad * factor).to(on));
    return std::pair(output.detach().cpu(), leaf.grad().cpu());
  };
  const auto [expected, expected_grad] = run(at::kCPU, mistake ? 1.05 : 1);
  const auto [output, output_grad] = run(device, 1);
  report.add("-", "fp32", name, output.ne(expected).sum().item<double>(), 0);
  report.add("-", "fp32", fmt::format("{}, gradient", name),
             output_grad.ne(expected_grad).sum().item<double>(), 0);
}

/// The kernels add in the same order on every device: nothing may differ.
void compare_position(Report& report, at::Device device, bool mistake) {
  constexpr int64_t kHeads = 12, kFrames = 199;
  const auto values = [](at::IntArrayRef shape) {
    return at::sin(at::arange(c10::multiply_integers(shape), at::kFloat)).view(shape);
  };
  compare_bits(
      report, "position bias", device,
      [](const at::Tensor& table) { return position_bias(table, kFrames, 800); },
      values({320, kHeads}), values({kHeads, 2 * kFrames - 1}), mistake);
  compare_bits(report, "position matrix", device, position_matrix,
               values({kHeads, 2 * kFrames - 1}), values({kHeads, kFrames, kFrames}), mistake);
}

void compare_form(Report& report, const std::string& type, const std::string& form,
                  const std::string& shape, RunSettings settings) {
  const ClassifierConfig config = compared_config(type, form, shape);
  const std::string name = type + " " + form;
  RunSettings plain;
  plain.steps = settings.steps;
  const RunResult reference = run_compared(config, plain);
  settings.micro_batches = 2;
  report.add_run(name, "fp32", compare(run_compared(config, settings), reference), kFloat32Limits,
                 settings.steps);
  plain.bf16 = settings.bf16 = true;
  const Differences cost = compare(run_compared(config, plain), reference);
  const auto allowed = [](double of_cpu, double least) {
    return std::max(kBFloat16Factor * of_cpu, least);
  };
  report.add_run(
      name, "bf16", compare(run_compared(config, settings), reference),
      {allowed(cost.logits, kBFloat16Least.logits), allowed(cost.gradient, kBFloat16Least.gradient),
       allowed(cost.worst_gradient, kBFloat16Least.worst_gradient),
       allowed(cost.losses, kBFloat16Least.losses), allowed(cost.weights, kBFloat16Least.weights)},
      settings.steps);
}

struct Options {
  std::string device = "auto", type = "all", shape = "small", form = "all", mistake = "none", json,
              versions;
  int64_t steps = 10;
  int threads = 1;
};

Mistake mistake_of(const std::string& name) {
  if (name == "weight") return Mistake::kWeight;
  if (name == "dropout") return Mistake::kDropout;
  if (name == "position") return Mistake::kPosition;
  if (name == "gradient") return Mistake::kGradient;
  return Mistake::kNone;
}

/// What ran where, for the table.
OrderedJson versions() {
  const int gpus = gpu_count();
  return {{"GPUs", gpus},
          {"GPU", gpus > 0 ? gpu_info(0).name : ""},
          {"driver", gpu_driver_version()},
          {"CUDA", gpu_runtime_version()},
          {"NCCL", nccl_version()},
          {"MPI", mpi_version()},
          {"LibTorch", TORCH_VERSION},
          {"wavlm-s2i", S2I_VERSION},
          {"CPU cores", std::thread::hardware_concurrency()}};
}

int run(const Options& options) {
  const Stopwatch watch;
  if (!options.versions.empty()) {
    write_json(options.versions, versions());
    return kExitDone;
  }
  at::set_num_threads(options.threads);
  const bool gpu = options.device == "cuda" || (options.device == "auto" && gpu_count() > 0);
  if (gpu && gpu_count() == 0) throw UserError("--device cuda, but no GPU can be seen");
  RunSettings settings;
  settings.steps = options.steps;
  settings.mistake = mistake_of(options.mistake);
  if (gpu) {
    select_gpu(0);
    settings.device = at::Device(at::kCUDA, 0);
  }
  const std::string name = gpu ? gpu_info(0).name : "cpu";
  std::printf("%s against the CPU in fp32, %s shapes\n", name.c_str(), options.shape.c_str());
  Report report(name);
  compare_dropout(report, settings.device, settings.mistake == Mistake::kDropout);
  compare_position(report, settings.device, settings.mistake == Mistake::kPosition);
  for (const std::string& type : EncoderType::names()) {
    if (options.type != "all" && options.type != type) continue;
    for (const std::string form : {"base", "large"}) {
      if (options.form != "all" && options.form != form) continue;
      compare_form(report, type, form, options.shape, settings);
    }
  }
  if (!options.json.empty()) {
    write_json(options.json, {{"device", name},
                              {"shape", options.shape},
                              {"steps", options.steps},
                              {"seconds", watch.seconds()},
                              {"passed", report.failures() == 0},
                              {"checks", report.checks()}});
  }
  if (report.failures() > 0) {
    throw RunError("{} of {} comparisons failed", report.failures(), report.checks().size());
  }
  std::printf("%zu comparisons within their limits\n", report.checks().size());
  return kExitDone;
}

}  // namespace
}  // namespace s2i

int main(int argc, char** argv) {
  s2i::Options options;
  CLI::App app{"Compares a training run on a GPU with the same run on the CPU", "device_compare"};
  app.add_option("--device", options.device, "what is compared with the CPU in float32")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}));
  app.add_option("--shape", options.shape, "small, or full: the published Base and Large")
      ->check(CLI::IsMember({"small", "full"}));
  std::vector<std::string> types = s2i::EncoderType::names();
  types.emplace_back("all");
  app.add_option("--type", options.type, "encoder type")->check(CLI::IsMember(types));
  app.add_option("--form", options.form)->check(CLI::IsMember({"all", "base", "large"}));
  app.add_option("--steps", options.steps, "optimizer steps")->check(CLI::Range(1, 1000));
  app.add_option("--threads", options.threads, "of the CPU runs")->check(CLI::Range(1, 1024));
  app.add_option("--mistake", options.mistake, "make one on purpose, to see the comparison fail")
      ->check(CLI::IsMember({"none", "weight", "dropout", "position", "gradient"}));
  app.add_option("--json", options.json, "file for the results");
  app.add_option("--versions", options.versions, "only write what there is into this file");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? s2i::kExitDone : s2i::kExitUsage;
  }
  return s2i::run_program([&] { return s2i::run(options); });
}
