// s2i-make-random-wavlm: a Hugging Face directory with random weights of a published shape, for
// tests and benchmarks on machines that have no published weights.
#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "classification/pretrained.h"
#include "core/program.h"

namespace {

int run(int argc, char** argv) {
  std::string shape, out;
  uint64_t seed = 0;
  int64_t labels = 14;
  CLI::App app{"Writes a Hugging Face directory of WavLM with random weights",
               "s2i-make-random-wavlm"};
  app.set_version_flag("--version", s2i::version_text(app.get_name()));
  app.add_option("--shape", shape, "base, base-plus, large, or tiny (for tests)")
      ->required()
      ->check(CLI::IsMember({"base", "base-plus", "large", "tiny"}));
  app.add_option("--out", out, "folder to write")->required();
  app.add_option("--seed", seed, "the same seed gives the same weights")->capture_default_str();
  app.add_option("--labels", labels, "intents of the head")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? s2i::kExitDone : s2i::kExitUsage;
  }
  s2i::ClassifierConfig config =
      s2i::ClassifierConfig::of_shape("wavlm", shape == "base-plus" ? "base" : shape);
  config.labels.clear();
  config.labels.reserve(static_cast<size_t>(labels));
  for (int64_t i = 0; i < labels; ++i) config.labels.push_back("LABEL_" + std::to_string(i));
  s2i::IntentClassifier model(config, at::kCPU);
  model.initialize(seed);
  // As the published ones: normalized audio and a mask for Large, neither for Base.
  const bool large = shape == "large";
  s2i::save_pretrained(out, model, {16000, large, large});
  return s2i::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
