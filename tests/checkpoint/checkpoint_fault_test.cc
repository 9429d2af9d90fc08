// Every promise of CheckpointStore with the fault it is about: killed at each call, unflushed data
// lost, each call failing, any damage to what is on disk.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <random>

#include "checkpoint/format.h"
#include "checkpoint/store.h"
#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "faults/disk_model.h"
#include "faults/file_faults.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;
using faults::Plan;

constexpr int64_t kSteps = 5;
constexpr Retention kRetention = {.keep = 2, .every_steps = 0};

/// Thousands of folders with fsyncs: in memory where that can be.
class CheckpointFaults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (::access("/dev/shm", W_OK) == 0) ::setenv("TMPDIR", "/dev/shm", /*overwrite=*/1);
    spdlog::set_level(spdlog::level::off);
  }
  static void TearDownTestSuite() { spdlog::set_level(spdlog::level::info); }
};

/// Leaves the flushing to others.
void write_unflushed(const fs::path& path, const std::string& content) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0 || ::write(file.get(), content.data(), content.size()) < 0) {
    throw RunError("cannot write {}: {}", path.string(), errno_text(errno));
  }
}

void write_content(const fs::path& folder, int64_t step) {
  fs::create_directories(folder / "model");
  write_json(folder / "model" / "config.json", {{"step", step}});
  write_file_atomic(folder / "model" / "model.safetensors",
                    std::string(64, static_cast<char>(step)));
  write_unflushed(folder / "optimizer.safetensors", std::string(128, static_cast<char>(step)));
  write_json(folder / "run_state.json", {{"step", step}});
}

void save(CheckpointStore& store, int64_t step) {
  store.save(step, step == 2, [&](const fs::path& folder) { write_content(folder, step); });
  store.prune(kRetention);
}

/// The process under test: five saves with deletions between them, of which the second is the best
/// and the last one is repeated. Calls `done` after each save.
template <typename Done>
void run_scenario(const fs::path& run_dir, Done&& done) {
  CheckpointStore store(run_dir);
  store.recover();
  for (int64_t step = 1; step <= kSteps; ++step) {
    save(store, step);
    done(step);
  }
  save(store, kSteps);
}

/// What the next start has to find, when `acknowledged` was the last save to end. Returns what is
/// wrong, or "".
std::string check_next_start(const fs::path& run_dir, int64_t acknowledged) {
  CheckpointStore store(run_dir);
  store.recover();
  int64_t whole = 0;
  for (const auto& path : store.list()) {
    if (const auto problem = check_checkpoint(path); !problem.empty()) {
      return fmt::format("{} looks like a checkpoint: {}", path.string(), problem);
    }
    const Json json = read_json(path / "run_state.json");
    if (json.at("step") != step_of(path)) return path.string() + " holds another step";
    ++whole;
  }
  const auto newest = store.latest_valid();
  const int64_t found = newest ? step_of(*newest) : 0;
  if (found != acknowledged && found != acknowledged + 1) {
    return fmt::format("found step {}, saved was {}", found, acknowledged);
  }
  if (whole < std::min(acknowledged, kRetention.keep)) {
    return fmt::format("{} whole ones after {} saves", whole, acknowledged);
  }
  if (acknowledged >= 2 && !check_checkpoint(store.at(2)).empty()) return "the best is gone";
  if (acknowledged >= 2 && fs::read_symlink(store.best()).filename() != store.at(2).filename()) {
    return "the best is not linked";
  }
  for (const auto& entry : fs::directory_iterator(run_dir / "checkpoints")) {
    if (step_of(entry.path()) < 0) return entry.path().string() + " was left";
  }
  save(store, 9);  // and the run goes on
  if (store.latest_valid() != store.at(9)) return "the next save is not found";
  return "";
}

int64_t count_calls() {
  const TemporaryFolder folder;
  faults::arm({.below = folder.path()});
  run_scenario(folder.path(), [](int64_t) {});
  return faults::disarm();
}

TEST_F(CheckpointFaults, KilledAtEveryCall) {
  const int64_t calls = count_calls();
  ASSERT_GT(calls, 200);
  for (int64_t at = 0; at <= calls; ++at) {
    const TemporaryFolder folder;
    std::array<int, 2> told{};
    ASSERT_EQ(::pipe(told.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      faults::arm({.below = folder.path(), .kill = true, .at = at});
      run_scenario(folder.path(), [&](int64_t step) {
        const char byte = static_cast<char>(step);
        (void)!::write(told[1], &byte, 1);
      });
      ::_exit(0);
    }
    ::close(told[1]);
    int64_t acknowledged = 0;
    for (char byte = 0; ::read(told[0], &byte, 1) == 1;) acknowledged = byte;
    ::close(told[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_EQ(WIFSIGNALED(status), at < calls);
    ASSERT_EQ(check_next_start(folder.path(), acknowledged), "") << "killed at call " << at;
  }
  RecordProperty("cases", static_cast<int>(calls + 1));
  fmt::print("{} cases\n", calls + 1);
}

TEST_F(CheckpointFaults, CrashedAtEveryCallWithUnflushedDataLost) {
  const TemporaryFolder folder;
  std::vector<int64_t> acknowledged_at(1, 0);  // by number of operations
  faults::arm({.below = folder.path(), .record = true});
  run_scenario(folder.path(), [&](int64_t step) {
    acknowledged_at.resize(faults::operations().size() + 1, step - 1);
    acknowledged_at.back() = step;
  });
  faults::disarm();
  const auto operations = faults::operations();
  acknowledged_at.resize(operations.size() + 1, kSteps);
  for (size_t i = 1; i < acknowledged_at.size(); ++i) {
    acknowledged_at[i] = std::max(acknowledged_at[i], acknowledged_at[i - 1]);
  }

  std::mt19937_64 random(7);
  faults::DiskModel disk(folder.path());
  int cases = 0;
  for (size_t done = 0; done <= operations.size(); ++done) {
    const auto check = [&](faults::Unflushed unflushed) {
      const TemporaryFolder crashed;
      disk.write_after_crash(crashed.path(), unflushed, random);
      ++cases;
      return check_next_start(crashed.path(), acknowledged_at[done]);
    };
    ASSERT_EQ(check(faults::Unflushed::kKept), "") << "after call " << done;
    ASSERT_EQ(check(faults::Unflushed::kDropped), "") << "after call " << done;
    for (int i = 0; i < 6; ++i) {
      ASSERT_EQ(check(faults::Unflushed::kTorn), "") << "after call " << done << ", case " << cases;
    }
    if (done < operations.size()) disk.apply(operations[done]);
  }
  RecordProperty("cases", cases);
  fmt::print("{} cases\n", cases);
}

TEST_F(CheckpointFaults, EveryCallFails) {
  const int64_t calls = count_calls();
  int cases = 0;
  for (const int error : {ENOSPC, EROFS, EDQUOT, EIO}) {
    for (int64_t at = 0; at < calls; ++at) {
      const int64_t count = at % 2 == 0 ? 1 : INT64_MAX / 2;  // once, or from here on
      const TemporaryFolder folder;
      int64_t acknowledged = 0;
      std::string message;
      faults::arm({.below = folder.path(), .error = error, .at = at, .count = count});
      try {
        run_scenario(folder.path(), [&](int64_t step) { acknowledged = step; });
      } catch (const std::exception& failed) {
        message = failed.what();
      }
      faults::disarm();
      ++cases;
      if (!message.empty()) {
        ASSERT_THAT(message, ::testing::HasSubstr(errno_text(error))) << at;
      }
      ASSERT_EQ(check_next_start(folder.path(), acknowledged), "")
          << errno_text(error) << " at call " << at << ": " << message;
    }
  }
  RecordProperty("cases", cases);
  fmt::print("{} cases\n", cases);
}

TEST_F(CheckpointFaults, AFolderIsReplacedWholeOrStays) {
  const auto write = [](const fs::path& folder, const char* content) {
    fs::create_directories(folder);
    write_unflushed(folder / "a", content);
    write_unflushed(folder / "b", content);
  };
  const auto content = [](const fs::path& folder) {
    return read_file(folder / "a", 9) + read_file(folder / "b", 9);
  };
  int64_t calls = 0;
  for (const bool kill : {false, true}) {
    for (int64_t at = 0; at == 0 || at <= calls; ++at) {
      const TemporaryFolder folder;
      const fs::path path = folder.path() / "dump";
      const fs::path replaced = folder.path() / ".replaced";
      write(path, "old");
      write(folder.path() / ".new", "new");
      const auto replace = [&] {
        faults::arm({.below = folder.path(), .kill = kill, .error = EIO, .at = at});
        try {
          put_in_place(folder.path() / ".new", path, replaced);
        } catch (const RunError&) {
        }
        return faults::disarm();
      };
      if (!kill) {
        calls = std::max(calls, replace());
        ASSERT_THAT(content(path), ::testing::AnyOf("oldold", "newnew")) << "call " << at;
        continue;
      }
      const pid_t child = ::fork();
      if (child == 0) {
        replace();
        ::_exit(0);
      }
      ::waitpid(child, nullptr, 0);
      ASSERT_THAT(content(fs::exists(path) ? path : replaced), ::testing::AnyOf("oldold", "newnew"))
          << "killed at call " << at;
    }
  }
  ASSERT_GT(calls, 5);
}

/// Damages one file of `checkpoint` and returns its name; "" for checksums.json, whose changed
/// digits can as well be a change of the file that they belong to.
std::string damage(const fs::path& checkpoint, const std::map<std::string, std::string>& files,
                   std::mt19937_64& random) {
  const auto below = [&](size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit - 1)(random);
  };
  const auto& [name, before] = *std::next(files.begin(), static_cast<int64_t>(below(files.size())));
  std::string content = before;
  std::string named = name;
  switch (below(8)) {
    case 0:
      content.resize(below(content.size()));
      break;
    case 1:
      content += static_cast<char>(below(256));
      break;
    case 2:
      fs::remove(checkpoint / name);
      return name;
    case 3:
      named = "model/extra-" + std::to_string(below(1000));
      content = std::string(below(3), 'x');
      break;
    default:
      content[below(content.size())] ^= static_cast<char>(1 + below(255));
  }
  std::ofstream(checkpoint / named, std::ios::binary) << content;
  return named == "checksums.json" ? "" : named;
}

TEST_F(CheckpointFaults, AnyDamageIsNamedAndPassedOver) {
  const TemporaryFolder folder;
  CheckpointStore store(folder.path());
  store.save(1, true, [](const fs::path& to) { write_content(to, 1); });
  const fs::path newest = store.save(2, false, [](const fs::path& to) { write_content(to, 2); });
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(newest)) {
    if (entry.is_regular_file()) {
      files[entry.path().lexically_relative(newest)] = read_file(entry.path(), 1 << 20);
    }
  }
  ASSERT_EQ(files.size(), 5U);
  const auto restore = [&] {
    fs::remove_all(newest);
    fs::create_directories(newest / "model");
    for (const auto& [name, content] : files) {
      std::ofstream(newest / name, std::ios::binary) << content;
    }
  };
  int cases = 0;
  const auto expect_named = [&](const std::string& name) {
    ++cases;
    ASSERT_THAT(check_checkpoint(newest), ::testing::HasSubstr(name)) << "case " << cases;
    ASSERT_EQ(store.latest_valid(), store.at(1)) << "case " << cases;
    restore();
    ASSERT_EQ(check_checkpoint(newest), "") << "case " << cases;
  };
  std::mt19937_64 random(11);
  for (int i = 0; i < 3000; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_named(damage(newest, files, random)));
  }
  // Every byte of the one file that nothing else has a checksum of.
  for (size_t at = 0; at < files["checksums.json"].size(); ++at) {
    std::string content = files["checksums.json"];
    content[at] = content[at] == ' ' ? '\n' : ' ';
    std::ofstream(newest / "checksums.json", std::ios::binary) << content;
    ASSERT_NO_FATAL_FAILURE(expect_named(""));
    ASSERT_EQ(check_checkpoint(newest), "");
  }
  for (const auto& [name, content] : files) {  // links, also to the same bytes
    fs::rename(newest / name, folder.path() / "elsewhere");
    fs::create_symlink(folder.path() / "elsewhere", newest / name);
    ASSERT_NO_FATAL_FAILURE(expect_named(name));
  }
  fs::create_directories(newest / "empty");
  ASSERT_NO_FATAL_FAILURE(expect_named("empty"));
  RecordProperty("cases", cases);
  fmt::print("{} cases\n", cases);
}

}  // namespace
}  // namespace s2i
