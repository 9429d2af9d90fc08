#include <vector>

#include "core/config.h"
#include "fuzzing.h"

using namespace s2i;

namespace {

struct Settings {
  bool fast = true;
  int64_t steps = 10;
  double rate = 0.1;
  std::string name = "adamw";
  std::vector<std::string> tags = {};

  ConfigFields fields() {
    return {{"train.fast", &fast, "A flag"},
            {"train.steps", &steps, "Number of steps", {}, 1, 1e6},
            {"optimizer.rate", &rate, "Learning rate", {}, 0, 1},
            {"optimizer.name", &name, "Optimizer", {"adamw", "adam"}},
            {"run.dir", &name, "Run folder"},
            {"tags", &tags, "List of tags"}};
  }
};

}  // namespace

// The input is read as a configuration file and as a key=value argument.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(text_of(data, size));
  accept_or_reject([&] {
    Settings settings;
    ConfigFields fields = settings.fields();
    override_config(fields, text);
  });
  return accept_or_reject([&] {
    Settings settings;
    ConfigFields fields = settings.fields();
    load_config_text(fields, text, "fuzz");
    S2I_CHECK(settings.steps >= 1 && settings.steps <= 1'000'000);
    S2I_CHECK(settings.rate >= 0 && settings.rate <= 1);
    const auto entries = config_entries(fields);
    load_config_text(fields, config_text(fields), "own");
    S2I_CHECK(config_entries(fields) == entries);
  });
}
