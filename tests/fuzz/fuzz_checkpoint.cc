#include <spdlog/spdlog.h>

#include <sstream>

#include "checkpoint/format.h"
#include "checkpoint/run_state.h"
#include "checkpoint/store.h"
#include "core/files.h"
#include "fuzzing.h"
#include "train/metrics_log.h"

using namespace s2i;

namespace {

constexpr const char* kWhere = "run_state.json";
constexpr int64_t kResumeStep = 3;

/// A run folder with a small valid checkpoint, in which one file is replaced by the input.
class RunFolder {
 public:
  RunFolder() : store_(folder_.path()) {
    spdlog::set_level(spdlog::level::off);
    checkpoint_ = store_.save(1, true, [](const std::filesystem::path& to) {
      std::filesystem::create_directories(to / "model");
      for (const char* name : {"model/config.json", "model/model.safetensors",
                               "optimizer.safetensors", "run_state.json"}) {
        std::ofstream(to / name) << "{}";
      }
    });
  }

  /// Checks that the run state survives a round trip.
  void run_state(std::string_view text) const {
    const Json json = parse_json(text, kWhere);
    const RunState state = run_state_from_json(json, kWhere);
    const RunIdentity identity = run_identity_from_json(json, kWhere);
    const Json again = parse_json(to_json(state, identity).dump(2), kWhere);
    S2I_CHECK(run_state_from_json(again, kWhere) == state);
    S2I_CHECK(run_identity_from_json(again, kWhere) == identity);
    S2I_CHECK(allowed_changes(identity, identity, "last").empty());
  }

  void checksums(std::string_view text) const {
    folder_.write("checkpoints/" + checkpoint_.filename().string() + "/checksums.json", text);
    const auto problems = checkpoint_problems(checkpoint_);
    S2I_CHECK(store_.latest_valid().has_value() == problems.empty());
  }

  /// Checks that only complete lines up to the resumed step are kept, followed by the new line.
  void metrics(std::string_view text) const {
    const auto path = folder_.write("metrics.jsonl", text);
    logged_values(path, "loss", kResumeStep);
    {
      MetricsLog log(path, kResumeStep);
      log.append({{"step", kResumeStep}});
      log.sync();
    }
    std::istringstream lines(read_file(path, 1 << 24));
    bool appended = false;
    for (std::string line; std::getline(lines, line);) {
      const Json entry = Json::parse(line, nullptr, false);
      S2I_CHECK(entry.is_object() && json_get<int64_t>(entry, "step", line) <= kResumeStep);
      appended = line == fmt::format("{{\"step\":{}}}", kResumeStep);
    }
    S2I_CHECK(appended);
  }

 private:
  FuzzFolder folder_;
  CheckpointStore store_;
  std::filesystem::path checkpoint_;
};

}  // namespace

// The first byte selects run_state.json, checksums.json or metrics.jsonl; the rest is its content.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const RunFolder run;
  if (size == 0) return 0;
  const std::string_view text = text_of(data + 1, size - 1);
  return accept_or_reject([&] {
    switch (data[0]) {
      case 't':
        return run.run_state(text);
      case 'c':
        return run.checksums(text);
      default:
        return run.metrics(text);
    }
  });
}
