// Headerless formats, channel selection, and messages for files that are not audio.
#include "audio/decode_fixture.h"

namespace s2i {
namespace {

using testing::HasSubstr;

TEST_F(Decode, ReadsRawGsmByItsExtension) {
  write_audio(file("a.gsm"), make_tone(1, 8000), 8000, SF_FORMAT_RAW | SF_FORMAT_GSM610);
  const AudioClip clip = decode(file("a.gsm"));
  EXPECT_EQ(clip.sample_rate, 8000);
  EXPECT_EQ(clip.samples.size(), 8000U);
  const std::string bytes = read_bytes(file("a.gsm"));
  write_bytes(file("b.GSM"), bytes.substr(0, bytes.size() - 5));
  EXPECT_EQ(problem(file("b.GSM")).first, AudioProblem::kDamaged);
  EXPECT_EQ(decode_damaged(file("b.GSM")).samples.size(), 7840U);
  std::string wrong = bytes;
  wrong[33] = 0;
  write_bytes(file("c.gsm"), wrong);
  EXPECT_THAT(problem(file("c.gsm")).second, HasSubstr("no GSM frame at byte 33"));
  EXPECT_EQ(decode_damaged(file("c.gsm")).samples.size(), 160U);
  write_bytes(file("d.gsm"), "no GSM frame begins with an n");
  EXPECT_EQ(problem(file("d.gsm")).first, AudioProblem::kNotAudio);
}

TEST_F(Decode, ReadsRawVoxByItsExtension) {
  write_audio(file("a.vox"), make_tone(1, 8000), 8000, SF_FORMAT_RAW | SF_FORMAT_VOX_ADPCM);
  const AudioClip clip = decode(file("a.vox"));
  EXPECT_EQ(clip.sample_rate, 8000);
  EXPECT_EQ(clip.samples.size(), 8000U);
  EXPECT_NEAR(clip.samples[4321], make_tone(1, 8000)[4321], 0.05);
  write_bytes(file("b.vox"), "a text is no audio, whatever its name says\n");
  EXPECT_EQ(problem(file("b.vox")).first, AudioProblem::kNotAudio);
}

TEST_F(Decode, RejectsOtherHeaderlessFilesWithAConversionCommand) {
  for (const auto* const name : {"a.snd", "b.raw", "c.PCM", "d.ul"}) {
    write_bytes(file(name), std::string(1000, '\x55'));
    const auto [kind, message] = problem(file(name));
    EXPECT_EQ(kind, AudioProblem::kNotAudio);
    EXPECT_THAT(message, HasSubstr("sox -t raw -r 8000 -c 1 -e mu-law"));
  }
  write_audio(file("e.snd"), make_tone(1, 8000), 8000, SF_FORMAT_AU | SF_FORMAT_ULAW);
  EXPECT_EQ(decode(file("e.snd")).samples.size(), 8000U);
}

TEST_F(Decode, NamesTheFormatOfFilesThatAreNotAudio) {
  const std::vector<std::pair<std::string, std::string>> files{
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"},
      {std::string("\0\0\0\x20"
                   "ftypM4A ",
                   12) +
           std::string(40, '\0'),
       "MP4 or M4A"},
      {"\x1A\x45\xDF\xA3" + std::string(40, '\0'), "Matroska or WebM"},
      {"#!AMR\n" + std::string(40, '\0'), "AMR"},
      {"\xFF\xF1\x50\x80" + std::string(40, '\0'), "AAC"},
      {"<!DOCTYPE html><html>", "HTML"}};
  for (const auto& [bytes, name] : files) {
    write_bytes(file("a.wav"), bytes);
    const auto [kind, message] = problem(file("a.wav"));
    EXPECT_EQ(kind, AudioProblem::kNotAudio);
    EXPECT_THAT(message, HasSubstr(name));
  }
}

TEST_F(Decode, TooLongAudioNamesTheOption) {
  write_audio(file("a.wav"), make_tone(2, 8000), 8000);
  EXPECT_THAT(problem(file("a.wav"), 1.0).second,
              HasSubstr("2.000 s long, over the limit of 1 s (--max-seconds)"));
}

TEST_F(Decode, SelectsOneChannel) {
  write_audio(file("a.wav"), {0.5F, 0.25F, -0.125F, -0.5F, 0.75F, 0.0625F}, 8000,
              SF_FORMAT_WAV | SF_FORMAT_FLOAT, 3);
  const auto channel = [&](const std::string& name) {
    return decode(file("a.wav"), DecodeOptions{.max_seconds = 1, .channel = parse_channel(name)})
        .samples;
  };
  EXPECT_EQ(channel("left"), (std::vector<float>{0.5F, -0.5F}));
  EXPECT_EQ(channel("right"), (std::vector<float>{0.25F, 0.75F}));
  EXPECT_EQ(channel("3"), (std::vector<float>{-0.125F, 0.0625F}));
  EXPECT_EQ(channel("mean").size(), 2U);
  const auto [kind, message] =
      problem(file("a.wav"), DecodeOptions{.max_seconds = 1, .channel = parse_channel("4")});
  EXPECT_EQ(kind, AudioProblem::kNoSuchChannel);
  EXPECT_THAT(message, HasSubstr("has 3 channels, channel 4 was requested"));
}

TEST_F(Decode, SelectsTheFirstChannelOfAMonoFile) {
  write_audio(file("a.wav"), {0.5F}, 8000);
  const DecodeOptions first{.max_seconds = 1, .channel = parse_channel("left")};
  EXPECT_EQ(decode(file("a.wav"), first).samples, std::vector<float>{0.5F});
  const DecodeOptions second{.max_seconds = 1, .channel = parse_channel("right")};
  EXPECT_THAT(problem(file("a.wav"), second).second, HasSubstr("has 1 channel, channel 2"));
}

TEST(Channel, IsMeanLeftRightOrANumber) {
  for (const auto* const bad : {"", "0", "-1", "1.5", "both", "1025", "2x"}) {
    EXPECT_THROW(parse_channel(bad), UserError) << bad;
  }
  EXPECT_EQ(channel_name(parse_channel("mean")), "mean");
  EXPECT_EQ(channel_name(parse_channel("left")), "1");
  EXPECT_EQ(channel_name(parse_channel("7")), "7");
}

}  // namespace
}  // namespace s2i
