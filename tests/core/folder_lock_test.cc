#include "core/folder_lock.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <memory>
#include <optional>
#include <sstream>

#include "core/error.h"
#include "faults/file_faults.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr double kLong = 120;  // seconds; a test that waits for so long fails

std::string refusal(const TemporaryFolder& folder, LockMode mode = LockMode::kExclusive) {
  try {
    const FolderLock lock(
        folder.path(), "process 2 on b", 0, [] { return false; }, mode);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(FolderLock, ASecondHolderIsRefusedWithTheNameOfTheFirst) {
  const TemporaryFolder folder;
  std::optional<FolderLock> lock(std::in_place, folder.path(), "process 1 on a", 0);
  EXPECT_THAT(refusal(folder), HasSubstr("in use by process 1 on a"));
  lock.reset();
  EXPECT_EQ(refusal(folder), "");
}

TEST(FolderLock, SharedLocksOnlyExcludeExclusiveOnes) {
  const TemporaryFolder folder;
  const auto never = [] { return false; };
  std::optional<FolderLock> first(std::in_place, folder.path(), "process 1 on a", 0, never,
                                  LockMode::kShared);
  std::optional<FolderLock> second(std::in_place, folder.path(), "process 3 on c", 0, never,
                                   LockMode::kShared);
  EXPECT_THAT(refusal(folder), HasSubstr("in use by process 3 on c"));
  first.reset();
  EXPECT_NE(refusal(folder), "");
  second.reset();
  EXPECT_EQ(refusal(folder), "");
  const FolderLock exclusive(folder.path(), "process 1 on a", 0);
  EXPECT_THAT(refusal(folder, LockMode::kShared), HasSubstr("in use by process 1 on a"));
}

TEST(FolderLock, ClosingAnotherDescriptorOfItsFileDoesNotLoseIt) {
  const TemporaryFolder folder;
  const FolderLock lock(folder.path(), "process 1 on a", 0);
  ::close(::open((folder.path() / ".lock").c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_NE(refusal(folder), "");
}

TEST(FolderLock, WaitsForAnotherProcessToEndHoweverItEnds) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t other = ::fork();
  if (other == 0) {
    const FolderLock lock(folder.path(), "the other", 0);
    (void)!::write(ready[1], "x", 1);
    ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(refusal(folder), HasSubstr("the other"));
  int asked = 0;
  const FolderLock lock(folder.path(), "process 1 on a", kLong, [&] {
    if (++asked == 2) ::kill(other, SIGKILL);
    return false;
  });
  EXPECT_GE(asked, 2);
  EXPECT_NE(refusal(folder), "");
  ::kill(other, SIGKILL);  // where the lock did not keep this one out, nobody has ended it
  EXPECT_EQ(::waitpid(other, nullptr, 0), other);
}

TEST(FolderLock, TheWaitCanBeGivenUp) {
  const TemporaryFolder folder;
  const FolderLock lock(folder.path(), "process 1 on a", 0);
  int asked = 0;
  EXPECT_THROW(FolderLock(folder.path(), "process 2 on b", kLong, [&] { return ++asked == 3; }),
               UserError);
  EXPECT_EQ(asked, 3);
}

/// Lustre mounted without `flock` has no locks, NFS may lack its lock daemon.
class FolderLockWithout : public ::testing::TestWithParam<int> {};

TEST_P(FolderLockWithout, LocksOfTheFileSystemSaysSoAndGoesOn) {
  const TemporaryFolder folder;
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("t", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  faults::arm({.below = folder.path().string(), .lock_error = GetParam()});
  EXPECT_NO_THROW(FolderLock(folder.path(), "process 1 on a", kLong));
  faults::disarm();
  spdlog::set_default_logger(before);
  EXPECT_THAT(log.str(), HasSubstr("no lock on " + folder.path().string()));
}

INSTANTIATE_TEST_SUITE_P(All, FolderLockWithout,
                         ::testing::Values(ENOLCK, ENOSYS, EOPNOTSUPP, EINVAL));

TEST(FolderLock, AnyOtherFailureOfTheLockIsNamed) {
  const TemporaryFolder folder;
  faults::arm({.below = folder.path().string(), .lock_error = EIO});
  EXPECT_THAT(refusal(folder), AllOf(HasSubstr("cannot lock"), HasSubstr(".lock")));
  faults::disarm();
}

}  // namespace
}  // namespace s2i
