#include "tensorboard/event_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "temporary_folder.h"
#include "tensorboard/record.h"

namespace s2i::tensorboard {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

EventFolder open(const fs::path& folder, int64_t resume_step) {
  return {folder, resume_step + 1, [=](const EventHead& e) { return e.step <= resume_step; }};
}

void add(EventFolder& events, int64_t step) {
  Event event(step);
  event.add_scalar("loss", 0.5);
  events.add(event);
}

std::vector<std::string> names(const fs::path& folder) {
  std::vector<std::string> all;
  for (const auto& entry : fs::directory_iterator(folder)) {
    all.push_back(entry.path().filename().string());
  }
  std::ranges::sort(all);
  return all;
}

/// The steps with values, in the order in which TensorBoard reads them.
std::vector<int64_t> steps(const fs::path& folder) {
  std::vector<int64_t> all;
  for (const auto& name : names(folder)) {
    const std::string file = read_file(folder / name, 1 << 20);
    for (const auto data : records_of(file)) {
      const EventHead head = event_head(data);
      if (head.tag == "loss") all.push_back(head.step);
    }
  }
  return all;
}

TEST(EventFolder, AResumeLeavesEachStepOnce) {
  const TemporaryFolder folder;
  {
    EventFolder events = open(folder.path(), 0);
    for (int64_t step = 1; step <= 5; ++step) add(events, step);
  }
  {
    EventFolder events = open(folder.path(), 3);
    for (int64_t step = 4; step <= 6; ++step) add(events, step);
  }
  EXPECT_THAT(steps(folder.path()), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(names(folder.path()),
              ElementsAre("events.out.tfevents.0000000001", "events.out.tfevents.0000000002"));
}

TEST(EventFolder, AFileWithoutAStepThatCountsIsRemovedButItsNumberIsNotUsedAgain) {
  const TemporaryFolder folder;
  {
    EventFolder events = open(folder.path(), 0);
    add(events, 1);
  }
  {
    EventFolder events = open(folder.path(), 0);
    add(events, 1);
  }
  EXPECT_THAT(steps(folder.path()), ElementsAre(1));
  EXPECT_THAT(names(folder.path()), ElementsAre("events.out.tfevents.0000000002"));
}

TEST(EventFolder, LeavesOutARecordThatACrashTruncated) {
  const TemporaryFolder folder;
  {
    EventFolder events = open(folder.path(), 0);
    add(events, 1);
    add(events, 2);
  }
  const fs::path file = folder.path() / "events.out.tfevents.0000000001";
  fs::resize_file(file, fs::file_size(file) - 3);
  EventFolder events = open(folder.path(), 2);
  add(events, 3);
  EXPECT_THAT(steps(folder.path()), ElementsAre(1, 3));
}

TEST(EventFolder, LeavesOtherFilesAlone) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "events.out.tfevents.1700000000.host", "of another program");
  write_file_atomic(folder.path() / "notes", "of a person");
  const EventFolder events = open(folder.path(), 0);
  EXPECT_THAT(names(folder.path()), ElementsAre("events.out.tfevents.0000000001",
                                                "events.out.tfevents.1700000000.host", "notes"));
}

}  // namespace
}  // namespace s2i::tensorboard
