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
    ConfigFields fields;
    fields.emplace_back("train.fast", &fast, "Fast mode");
    fields.emplace_back("train.steps", &steps, "Number of steps").range(1, 1e6);
    fields.emplace_back("optimizer.rate", &rate, "Learning rate").range(0, 1);
    fields.emplace_back("optimizer.name", &name, "Optimizer").one_of({"adamw", "adam"});
    fields.emplace_back("run.dir", &name, "Folder");
    fields.emplace_back("tags", &tags, "Tags");
    return fields;
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
