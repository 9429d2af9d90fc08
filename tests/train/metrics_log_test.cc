#include "train/metrics_log.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <memory>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "core/files.h"
#include "faults/file_faults.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(MetricsLog, RemovesLinesAfterTheCheckpointOnResume) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  {
    MetricsLog log(path, 0);
    for (int step = 1; step <= 5; ++step) log.append({{"step", step}});
  }
  {
    MetricsLog log(path, 3);
    log.append({{"step", 4}, {"again", true}});
  }
  EXPECT_EQ(read_file(path, 1000),
            "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"step\":4,\"again\":true}\n");
}

TEST(MetricsLog, RemovesALineThatACrashTruncated) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  write_file_atomic(path, "{\"step\":1}\n{\"step\":2,\"lo");
  MetricsLog log(path, 10);
  EXPECT_EQ(read_file(path, 1000), "{\"step\":1}\n");
}

TEST(MetricsLog, RemovesDamagedLinesAndReportsTheirNumber) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  write_file_atomic(path,
                    "{\"step\":1}\n{\"step\":\"two\"}\nxx{\n[2]\n{\"loss\":1}\n{\"step\":3}\n");
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "t", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  { MetricsLog log(path, 10); }
  spdlog::set_default_logger(before);
  EXPECT_EQ(read_file(path, 1000), "{\"step\":1}\n{\"step\":3}\n");
  EXPECT_THAT(said.str(), HasSubstr(path.string() + ": removed 4 invalid lines"));
}

TEST(MetricsLog, ReturnsTheLoggedValuesUpToAStep) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  EXPECT_THAT(logged_values(path, "loss", 10), ElementsAre());
  write_file_atomic(path,
                    "{\"step\":1,\"loss\":3.5}\n{\"step\":2}\nxx\n{\"step\":3,\"loss\":null}\n"
                    "{\"step\":4,\"loss\":2}\n{\"step\":5,\"loss\":1}\n{\"step\":4,\"lo");
  EXPECT_THAT(logged_values(path, "loss", 4), ElementsAre(3.5, 2));
}

TEST(MetricsLog, SyncFailsWhileLinesAreKeptInMemory) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsLog log(path, 0);
  log.append({{"step", 1}});
  log.sync();
  faults::arm({.below = folder.path(), .error = ENOSPC, .at = 0, .count = INT64_MAX / 2});
  log.append({{"step", 2}});
  EXPECT_THROW(log.sync(), RunError);
  faults::disarm();
  EXPECT_EQ(read_file(path, 1000), "{\"step\":1}\n");
  log.sync();
  EXPECT_EQ(read_file(path, 1000), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(MetricsLog, TheFolderOfANewLogIsSynced) {
  const TemporaryFolder folder;
  faults::arm({.below = folder.path(), .record = true});
  const MetricsLog log(folder.path() / "metrics.jsonl", 0);
  faults::disarm();
  std::vector<std::string> flushed;
  for (const auto& operation : faults::operations()) {
    if (operation.kind == faults::Kind::kSync) flushed.push_back(operation.path);
  }
  EXPECT_THAT(flushed, ElementsAre(folder.path().string()));
}

// Checkpoints are written on a thread of their own: ThreadSanitizer looks at this one.
TEST(MetricsLog, IsAppendedToWhileAnotherThreadSyncsIt) {
  constexpr int kLines = 500;
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  MetricsLog log(path, 0);
  {
    const std::jthread writer([&] {
      for (int i = 0; i < kLines / 10; ++i) log.sync();
    });
    for (int step = 1; step <= kLines; ++step) log.append({{"step", step}});
  }
  log.sync();
  std::string expected;
  for (int step = 1; step <= kLines; ++step) expected += fmt::format("{{\"step\":{}}}\n", step);
  EXPECT_EQ(read_file(path, 1 << 20), expected);
}

}  // namespace
}  // namespace s2i
