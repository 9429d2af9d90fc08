// s2i-make-random-model: a Hugging Face model directory with random weights of a published shape,
// for tests and benchmarks on machines that have no published weights.
#include <string>
#include <vector>

#include "apps/command_line.h"
#include "classification/pretrained.h"
#include "core/program.h"

namespace {

int run(int argc, char** argv) {
  std::string type = s2i::EncoderType().name(), shape, out;
  uint64_t seed = 0;
  int64_t labels = 14;
  CLI::App app{"Writes a Hugging Face model directory with random weights",
               "s2i-make-random-model"};
  app.add_option("--type", type, "Encoder type")
      ->check(CLI::IsMember(s2i::EncoderType::names()))
      ->capture_default_str();
  app.add_option("--shape", shape, "Shape; tiny is for tests")
      ->required()
      ->check(CLI::IsMember({"base", "large", "tiny"}));
  app.add_option("--out", out, "Directory to write")->required();
  app.add_option("--seed", seed, "The same seed gives the same weights")->capture_default_str();
  app.add_option("--labels", labels, "Number of intents")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  int status = 0;
  if (!s2i::parse_command_line(app, argc, argv, status)) return status;
  s2i::ClassifierConfig config = s2i::ClassifierConfig::of_shape(type, shape);
  config.labels.clear();
  config.labels.reserve(static_cast<size_t>(labels));
  for (int64_t i = 0; i < labels; ++i) config.labels.push_back("LABEL_" + std::to_string(i));
  s2i::IntentClassifier model(config, at::kCPU);
  model.initialize(seed);
  s2i::save_pretrained(out, model, s2i::published_preprocessor(config.type, shape));
  return s2i::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  return s2i::run_program([&] { return run(argc, argv); });
}
