#include "train/metrics_log.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

TEST(MetricsLog, DropsWhatComesAfterTheCheckpointItResumesFrom) {
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

TEST(MetricsLog, DropsALineThatACrashCutShort) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "metrics.jsonl";
  write_file_atomic(path, "{\"step\":1}\n{\"step\":2,\"lo");
  MetricsLog log(path, 10);
  EXPECT_EQ(read_file(path, 1000), "{\"step\":1}\n");
}

}  // namespace
}  // namespace s2i
