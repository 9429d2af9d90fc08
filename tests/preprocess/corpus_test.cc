#include "preprocess/corpus.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "audio/audio_files.h"
#include "core/error.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class CorpusFolder : public testing::Test {
 protected:
  CorpusFolder() { settings_.folder = folder_.path(); }

  void write(const std::string& name, const std::string& text) const {
    write_bytes(folder_.path() / name, text);
  }
  Corpus read(const std::vector<std::string>& splits = {"train"}) const {
    return read_corpus(settings_, splits);
  }
  static std::vector<int32_t> labels(const CorpusSplit& split) {
    std::vector<int32_t> list;
    for (const auto& row : split.rows) list.push_back(row.label);
    return list;
  }

  TemporaryFolder folder_;
  CorpusSettings settings_;
};

TEST_F(CorpusFolder, AcceptsColumnsInAnyOrderAndIgnoresOthers) {
  write("train.csv",
        "speaker_id,mood,audio_path,id,intent_class\n"
        "ann,glad,wav/a.wav,u1,pay\n"
        "bob,sad,/abs/b.wav,u2,ask\n");
  settings_.allow_outside = true;
  const Corpus corpus = read();
  const auto& rows = corpus.splits[0].rows;
  EXPECT_THAT(corpus.intents, ElementsAre("ask", "pay"));
  EXPECT_EQ(rows[0].id, "u1");
  EXPECT_EQ(rows[0].label, 1);
  EXPECT_EQ(rows[0].line, 2U);
  EXPECT_EQ(rows[0].audio, folder_.path() / "wav/a.wav");
  EXPECT_EQ(rows[1].audio, "/abs/b.wav");
  EXPECT_THAT(corpus.splits[0].speakers, ElementsAre("ann", "bob"));
}

TEST_F(CorpusFolder, UsesTheNamesOfIntentInfo) {
  write("intent_info.csv", "intent_class,intent_name,description\n10,pay,x\n2,ask,y\n");
  write("train.csv", "id,intent_class,audio_path\na,10,a.wav\nb,2,b.wav\nc,pay,c.wav\nd,3,d.wav\n");
  const Corpus corpus = read();
  EXPECT_THAT(corpus.intents, ElementsAre("ask", "pay"));
  EXPECT_THAT(labels(corpus.splits[0]), ElementsAre(1, 0, 1, -1));
  EXPECT_EQ(corpus.splits[0].rows[3].problem,
            "unknown intent '3'; intent_info.csv has 2 (ask), 10 (pay)");
}

TEST_F(CorpusFolder, SortsIntegersNumerically) {
  write("train.csv", "id,intent_class,audio_path\na,10,a.wav\nb,9,b.wav\nc,1,c.wav\n");
  EXPECT_THAT(read().intents, ElementsAre("1", "9", "10"));
}

TEST_F(CorpusFolder, UsesTheLabelsOfTrainForTest) {
  write("train.csv", "id,intent_class,audio_path\na,pay,a.wav\nb,ask,b.wav\nc,lock,c.wav\n");
  write("test.csv", "id,intent_class,audio_path\na,pay,d.wav\nb,sing,e.wav\n");
  for (const auto& splits : std::vector<std::vector<std::string>>{{"test"}, {"train", "test"}}) {
    const Corpus corpus = read(splits);
    EXPECT_THAT(corpus.intents, ElementsAre("ask", "lock", "pay"));
    EXPECT_THAT(labels(corpus.splits.back()), ElementsAre(2, -1));
    EXPECT_EQ(corpus.splits.back().rows[1].problem,
              "unknown intent 'sing'; train.csv has ask, lock, pay");
  }
}

TEST_F(CorpusFolder, UsesTheIntentsOfAllSplitsWithoutTrain) {
  write("left.csv", "id,intent_class,audio_path\na,pay,a.wav\n");
  write("right.csv", "id,intent_class,audio_path\na,ask,a.wav\n");
  EXPECT_THAT(read({"left", "right"}).intents, ElementsAre("ask", "pay"));
  settings_.intents_from = "right";
  EXPECT_THAT(read({"left"}).intents, ElementsAre("ask"));
}

TEST_F(CorpusFolder, NumbersRowsWithoutIdsAndSpeakers) {
  write("train.csv", "intent_class,audio_path\npay,a.wav\npay,b.wav\n");
  const Corpus corpus = read();
  EXPECT_EQ(corpus.splits[0].rows[1].id, "1");
  EXPECT_THAT(corpus.splits[0].speakers, ElementsAre("unknown"));
}

TEST_F(CorpusFolder, ListsTheSpeakersOfSpeakerInfoInEverySplit) {
  write("speaker_info.csv", "speaker_id,gender\n2,f\n10,m\n");
  write("train.csv", "id,intent_class,audio_path,speaker_id\na,pay,a.wav,10\nb,pay,b.wav,1\n");
  const Corpus corpus = read();
  EXPECT_THAT(corpus.splits[0].speakers, ElementsAre("1", "2", "10"));
  EXPECT_EQ(corpus.splits[0].rows[0].speaker, 2);
}

TEST_F(CorpusFolder, AcceptsOtherColumnNames) {
  settings_.columns = {.audio = "path", .intent = "label", .id = "key", .speaker = "who"};
  write("train.csv", "who,key,label,path\nann,k1,pay,a.wav\n");
  const CorpusRow row = read().splits[0].rows[0];
  EXPECT_EQ(row.id, "k1");
  EXPECT_EQ(row.audio.filename(), "a.wav");
  settings_.columns.speaker = "nobody";
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("no column 'nobody'")));
}

TEST_F(CorpusFolder, KeepsBadRowsWithTheirProblem) {
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n");
  write("train.csv",
        "id,intent_class,audio_path\n"
        "a,0,a.wav\n"
        "a,0,b.wav\n"
        ",0,c.wav\n"
        "d,,d.wav\n"
        "e,0,\n"
        "f,0\n"
        "\xFF,0,g.wav\n"
        "h,0,h.wav\n");
  const Corpus corpus = read();
  std::vector<std::string> problems;
  for (const auto& row : corpus.splits[0].rows) problems.push_back(row.problem);
  EXPECT_THAT(problems, ElementsAre("", "duplicate id 'a', first on line 2", "no id", "no intent",
                                    "no audio path", "2 fields, the header has 3",
                                    "the id, intent or speaker is not UTF-8", ""));
}

TEST_F(CorpusFolder, WritesProblemsInOneLineOfUtf8) {
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n");
  write("train.csv",
        "id,intent_class,audio_path\n"
        "a\tb,0,a.wav\n"
        "a\tb,0,b.wav\n"
        "c,\"p\nay\",c.wav\n"
        "d,0,\"../\xE9\n.wav\"\n"
        "e, 0,e.wav\n");
  const Corpus corpus = read();
  std::vector<std::string> problems;
  for (const auto& row : corpus.splits[0].rows) problems.push_back(row.problem);
  EXPECT_THAT(problems, ElementsAre("", "duplicate id 'a\\tb', first on line 2",
                                    "the intent 'p\\nay' has a control character",
                                    HasSubstr("the audio file ../\\xe9\\n.wav is outside"),
                                    "the intent ' 0' has leading or trailing spaces"));
}

TEST_F(CorpusFolder, ReadsTsvFilesTogetherWithCsvFiles) {
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n1,ask\n");
  write("train.tsv", "id\tintent_class\taudio_path\na\t1.0\tx, y.wav\n");
  const Corpus corpus = read();
  EXPECT_THAT(labels(corpus.splits[0]), ElementsAre(1));
  EXPECT_EQ(corpus.splits[0].rows[0].audio.filename(), "x, y.wav");
  write("intent_info.tsv", "intent_class\tintent_name\n0\tpay\n");
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("both intent_info.csv and")));
}

TEST_F(CorpusFolder, RejectsIntentsCountedFromOne) {
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n1,ask\n");
  write("train.csv", "id,intent_class,audio_path\na,1,a.wav\nb,2,b.wav\n");
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("numbered 1 to 2")));
}

TEST_F(CorpusFolder, ReportsMissingFiles) {
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("train.csv")));
  settings_.folder = folder_.path() / "gone";
  EXPECT_THAT([&] { read(); }, ThrowsMessage<UserError>(HasSubstr("gone")));
}

TEST_F(CorpusFolder, RejectsADuplicateIntent) {
  write("train.csv", "id,intent_class,audio_path\na,0,a.wav\n");
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n0,ask\n");
  EXPECT_THROW(read(), UserError);
  write("intent_info.csv", "intent_class,intent_name\n0,pay\n1,pay\n");
  EXPECT_THROW(read(), UserError);
}

TEST_F(CorpusFolder, AcceptsAudioOutsideTheFolderOnlyIfAllowed) {
  const TemporaryFolder elsewhere;
  write_bytes(elsewhere.path() / "x.wav", "");
  std::filesystem::create_directory(folder_.path() / "wav");
  std::filesystem::create_directory_symlink(elsewhere.path(), folder_.path() / "linked");
  std::filesystem::create_symlink(elsewhere.path() / "x.wav", folder_.path() / "wav" / "x.wav");
  std::filesystem::create_symlink("x.wav", folder_.path() / "wav" / "y.wav");
  write("train.csv",
        "id,intent_class,audio_path\n"
        "a,0,wav/a.wav\nb,0,wav/../wav/a.wav\nc,0," +
            (folder_.path() / "c.wav").string() +
            "\nd,0,../d.wav\ne,0,wav/../../e.wav\nf,0,/etc/passwd\n"
            "g,0,linked/x.wav\nh,0,wav/x.wav\ni,0,wav/y.wav\nj,0,..\n");
  const Corpus corpus = read();
  for (size_t i = 0; i < corpus.splits[0].rows.size(); ++i) {
    const CorpusRow& row = corpus.splits[0].rows[i];
    if (i < 3) {
      EXPECT_EQ(row.problem, "") << row.id;
    } else {
      EXPECT_THAT(row.problem, HasSubstr("outside the corpus folder")) << row.id;
    }
  }
  settings_.allow_outside = true;
  const Corpus all = read();
  for (const CorpusRow& row : all.splits[0].rows) EXPECT_EQ(row.problem, "") << row.id;
}

TEST_F(CorpusFolder, ReportsOnceThatAllAudioIsBehindALink) {
  const TemporaryFolder elsewhere;
  std::filesystem::create_directory_symlink(elsewhere.path(), folder_.path() / "wav_audios");
  write("train.csv",
        "id,intent_class,audio_path\n"
        "a,0,wav_audios/a.wav\nb,0,wav_audios/b.wav\nbad,,wav_audios/c.wav\n");
  const auto names = [](const std::string& text) {
    return ThrowsMessage<UserError>(HasSubstr(text));
  };
  EXPECT_THAT([&] { read(); }, names("train.csv: the audio of all 2 valid rows"));
  EXPECT_THAT([&] { read(); }, names((folder_.path() / "wav_audios").string() + " is a link to " +
                                     elsewhere.path().string()));
  EXPECT_THAT([&] { read(); }, names("--allow-outside"));
  settings_.allow_outside = true;
  EXPECT_EQ(read().splits[0].rows[0].problem, "");
}

TEST_F(CorpusFolder, ReportsOnceThatAllAudioIsInAnotherFolder) {
  write("train.csv", "id,intent_class,audio_path\na,0,../other/a.wav\nb,0,../other/b.wav\n");
  const auto other = (folder_.path().parent_path() / "other").string();
  EXPECT_THAT([&] { read(); },
              ThrowsMessage<UserError>(HasSubstr("the first is in " + other + ";")));
}

}  // namespace
}  // namespace s2i
