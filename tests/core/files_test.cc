#include "core/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <span>

#include "core/error.h"
#include "core/open_files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

TEST(Files, AtomicWriteReplacesTheWholeContent) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.txt";
  write_file_atomic(path, "a long first version");
  write_file_atomic(path, "second");
  EXPECT_EQ(read_file(path, 100), "second");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(Files, AFailedWriteKeepsTheOldContent) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.txt";
  write_file_atomic(path, "old");
  std::filesystem::create_directory(folder.path() / "a.txt.tmp");  // blocks the temporary file
  EXPECT_THROW(write_file_atomic(path, "new"), RunError);
  EXPECT_EQ(read_file(path, 100), "old");
}

TEST(Files, ReadFileEnforcesTheLimitAndNamesTheFile) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "a", "12345");
  EXPECT_EQ(read_file(folder.path() / "a", 5), "12345");
  EXPECT_THROW(read_file(folder.path() / "a", 4), RunError);
  EXPECT_THROW(read_file(folder.path(), 4), RunError);
  try {
    read_file(folder.path() / "missing", 4);
    FAIL();
  } catch (const RunError& error) {
    EXPECT_NE(std::strstr(error.what(), "missing"), nullptr);
  }
}

TEST(Files, ReadsAtAnOffset) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "a", "abc");
  write_file_atomic(folder.path() / "empty", "");
  const InputFile file(folder.path() / "a");
  ASSERT_EQ(file.size(), 3U);
  std::string text(2, ' ');
  file.read(1, std::as_writable_bytes(std::span(text)));
  EXPECT_EQ(text, "bc");
  EXPECT_EQ(InputFile(folder.path() / "empty").size(), 0U);
}

TEST(Files, ReportsAFileTruncatedAfterOpening) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "a", std::string(10000, 'x'));
  const InputFile file(folder.path() / "a");
  std::filesystem::resize_file(folder.path() / "a", 5000);
  std::string text(6000, ' ');
  EXPECT_THAT([&] { file.read(0, std::as_writable_bytes(std::span(text))); },
              ThrowsMessage<RunError>(
                  AllOf(HasSubstr("truncated to 5000 bytes; it had 10000 when it was opened"),
                        HasSubstr(folder.path().string()))));
}

TEST(Files, DoesNotBlockOnAFifo) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_THAT([&] { InputFile(folder.path() / "pipe"); },
              ThrowsMessage<RunError>(HasSubstr("not a regular file")));
}

TEST(OpenFiles, KeepsTheMostRecentlyUsed) {
  const TemporaryFolder folder;
  OpenFiles files(2);
  for (const char* name : {"a", "b", "c"}) write_file_atomic(folder.path() / name, name);
  const auto a = files.open(folder.path() / "a");
  const auto b = files.open(folder.path() / "b");
  EXPECT_EQ(files.open(folder.path() / "a"), a);
  files.open(folder.path() / "c");  // evicts b
  EXPECT_EQ(files.open(folder.path() / "a"), a);
  EXPECT_NE(files.open(folder.path() / "b"), b);
  EXPECT_EQ(b->size(), 1U) << "still open while referenced";
  EXPECT_THROW(files.open(folder.path() / "d"), RunError);
}

TEST(Files, AnOutputFolderThatCannotBeCreatedIsAUserError) {
  const TemporaryFolder folder;
  write_file_atomic(folder.path() / "file", "x");
  EXPECT_THROW(make_output_folder(folder.path() / "file" / "below"), UserError);
  EXPECT_NO_THROW(make_output_folder(folder.path() / "a" / "b"));
}

TEST(Files, PlainFileNamesHaveOneComponent) {
  EXPECT_TRUE(is_plain_file_name("model-00001-of-00002.safetensors"));
  EXPECT_TRUE(is_plain_file_name("..."));
  for (const std::string name : {"", ".", "..", "/etc/passwd", "../a", "a/b", "a/"}) {
    EXPECT_FALSE(is_plain_file_name(name)) << name;
  }
  EXPECT_FALSE(is_plain_file_name(std::string("a\0b", 3)));
  EXPECT_FALSE(is_plain_file_name(std::string(256, 'a')));
}

TEST(Files, ResolvesLinksAndDotsBeforeTestingForInside) {
  const TemporaryFolder folder;
  const auto inside = folder.path() / "in";
  std::filesystem::create_directories(inside / "sub");
  write_file_atomic(inside / "a", "");
  write_file_atomic(folder.path() / "b", "");
  std::filesystem::create_symlink("../b", inside / "out");
  std::filesystem::create_symlink("sub/../a", inside / "round");
  std::filesystem::create_directory_symlink("..", inside / "up");
  EXPECT_TRUE(resolves_inside(inside / "a", inside));
  EXPECT_TRUE(resolves_inside(inside / "sub" / ".." / "a", inside));
  EXPECT_TRUE(resolves_inside(inside / "round", inside));
  EXPECT_TRUE(resolves_inside(inside / "missing", inside));
  EXPECT_FALSE(resolves_inside(inside / "out", inside));
  EXPECT_FALSE(resolves_inside(inside / "up" / "b", inside));
  EXPECT_FALSE(resolves_inside(inside / ".." / "b", inside));
  EXPECT_FALSE(resolves_inside("/etc/passwd", inside));
  EXPECT_FALSE(resolves_inside(folder.path() / "inn", inside));
  EXPECT_FALSE(resolves_inside(inside, inside));
}

}  // namespace
}  // namespace s2i
