#include "preprocess/missing_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/audio_files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class MissingFile : public testing::Test {
 protected:
  void add(const std::string& name) const {
    const auto path = folder_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    write_bytes(path, "x");
  }
  std::string hint(const std::string& name) const {
    return missing_file_hint(folder_.path() / name);
  }
  TemporaryFolder folder_;
};

TEST_F(MissingFile, SaysThatBackslashesAreNoSeparators) {
  add("wav_audios/deep/a.wav");
  const std::string expected =
      (folder_.path() / "wav_audios/deep/a.wav").string() + " exists: write '/' instead of '\\'";
  EXPECT_EQ(hint("wav_audios\\deep\\a.wav"), expected);
  EXPECT_EQ(hint("wav_audios/deep\\a.wav"), expected);
  EXPECT_EQ(hint("wav_audios\\deep\\b.wav"), "");
  EXPECT_EQ(hint("\\wav_audios\\deep\\a.wav"), expected);  // never leaves the folder
}

TEST_F(MissingFile, NamesTheNormalizationForm) {
  add("caf\u00e9/composed\u00e9.wav");
  add("decomposede\u0301.wav");
  EXPECT_THAT(hint("cafe\u0301/composede\u0301.wav"), HasSubstr("form that it has on disk (NFC)"));
  EXPECT_THAT(hint("decomposed\u00e9.wav"), HasSubstr("form that it has on disk (NFD)"));
  EXPECT_THAT(hint("cafe\u0301\\composed\u00e9.wav"),
              AllOf(HasSubstr("write '/' instead of '\\'"), HasSubstr("(NFC)")));
}

TEST_F(MissingFile, NamesSpacesAndOtherEncodings) {
  add("a b.wav");
  EXPECT_THAT(hint(" a b.wav\t"), HasSubstr("remove the spaces around the name"));
  EXPECT_THAT(hint("caf\xE9.wav"), HasSubstr("not UTF-8"));
}

TEST_F(MissingFile, SaysNothingOfOtherFiles) {
  add("a.wav");
  EXPECT_EQ(hint("b.wav"), "");
  EXPECT_EQ(hint("a.wav/b.wav"), "");
  EXPECT_EQ(hint("gone/a.wav"), "");
  EXPECT_EQ(hint("a.wav"), "");  // it exists after all
  EXPECT_EQ(hint(std::string(100000, 'x') + "\\a"), "");
  EXPECT_EQ(hint(" "), "");
}

}  // namespace
}  // namespace s2i
