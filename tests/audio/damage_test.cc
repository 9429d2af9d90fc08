// Files whose header does not match their contents are rejected, or read partially on request.
#include <cstring>

#include "audio/decode_fixture.h"

namespace s2i {
namespace {

using testing::HasSubstr;

class Damage : public Decode {
 protected:
  /// A WAV of 16-bit samples with another length in its data chunk.
  std::filesystem::path wav_with_length(uint32_t length, const std::string& more = "") const {
    write_audio(file("complete.wav"), tone_, 8000);
    std::string bytes = read_bytes(file("complete.wav"));
    std::memcpy(bytes.data() + 40, &length, sizeof(length));
    write_bytes(file("a.wav"), bytes + more);
    return file("a.wav");
  }

  uint32_t true_length() const { return static_cast<uint32_t>(2 * tone_.size()); }

  const std::vector<float> tone_ = make_tone(0.5, 8000);
};

TEST_F(Damage, AWavWithATooLargeLengthIsReadIfAccepted) {
  for (uint32_t excess = 1; excess <= 44; ++excess) {
    const auto path = wav_with_length(true_length() + excess);
    EXPECT_EQ(problem(path).first, AudioProblem::kDamaged);
    const AudioClip clip = decode_damaged(path);
    EXPECT_EQ(clip.samples, decode(file("complete.wav")).samples);
    EXPECT_THAT(clip.damage,
                HasSubstr(fmt::format("declares {} bytes of samples, the file has 8000; read "
                                      "4000 frames",
                                      8000 + excess)));
  }
}

TEST_F(Damage, AWavWithoutItsLastByteIsReadIfAccepted) {
  write_audio(file("complete.wav"), tone_, 8000);
  const std::string bytes = read_bytes(file("complete.wav"));
  write_bytes(file("a.wav"), bytes.substr(0, bytes.size() - 1));
  EXPECT_EQ(problem(file("a.wav")).first, AudioProblem::kDamaged);
  const AudioClip clip = decode_damaged(file("a.wav"));
  EXPECT_EQ(clip.samples.size(), tone_.size() - 1);
  EXPECT_THAT(clip.damage,
              HasSubstr("declares 8000 bytes of samples, the file has 7999; read 3999 frames"));
}

TEST_F(Damage, AWavOfLengthZeroWithSamplesIsReadIfAccepted) {
  const auto path = wav_with_length(0);
  const auto [kind, message] = problem(path);
  EXPECT_EQ(kind, AudioProblem::kDamaged);
  EXPECT_THAT(message, HasSubstr("declares 0 bytes of samples, but 8000 bytes follow"));
  EXPECT_EQ(decode_damaged(path).samples, decode(file("complete.wav")).samples);
}

TEST_F(Damage, AWavOfLengthZeroBeforeOtherChunksIsEmpty) {
  write_audio(file("a.wav"), {}, 8000);
  const std::string bytes = read_bytes(file("a.wav"));
  write_bytes(file("a.wav"), bytes + std::string("LIST\4\0\0\0INFO", 12));
  EXPECT_EQ(problem(file("a.wav")).first, AudioProblem::kEmpty);
  EXPECT_EQ(problem(file("a.wav"), {.max_seconds = kNoLimit, .accept_damaged = true}).first,
            AudioProblem::kEmpty);
}

TEST_F(Damage, AnAuOfLengthZeroWithSamplesIsReadIfAccepted) {
  write_audio(file("a.au"), tone_, 8000, SF_FORMAT_AU | SF_FORMAT_PCM_16);
  std::string bytes = read_bytes(file("a.au"));
  bytes.replace(8, 4, std::string(4, '\0'));
  write_bytes(file("a.au"), bytes);
  EXPECT_EQ(problem(file("a.au")).first, AudioProblem::kDamaged);
  EXPECT_EQ(decode_damaged(file("a.au")).samples.size(), tone_.size());
}

// The recorder stopped before it updated the header.
TEST_F(Damage, SamplesAfterTheDeclaredLengthOfAWavAreDamage) {
  const auto path = wav_with_length(2000);
  EXPECT_THAT(problem(path).second,
              HasSubstr("6000 bytes after the samples do not belong to a chunk"));
  EXPECT_EQ(decode_damaged(path).samples.size(), 1000U);
}

TEST_F(Damage, AFewBytesAfterTheChunksOfAWavAreAWarning) {
  const auto path = wav_with_length(true_length(), "TAG" + std::string(125, '\x80'));
  EXPECT_EQ(decode(path).samples.size(), tone_.size());
  EXPECT_THAT(decode(path).warning, HasSubstr("128 bytes after the samples"));
  EXPECT_EQ(decode(wav_with_length(true_length(), std::string(4096, '\0'))).warning, "");
}

TEST_F(Damage, AnIncompleteLastFrameOfAWavIsAWarning) {
  write_audio(file("a.wav"), tone_, 8000, kWav16, 2);
  std::string bytes = read_bytes(file("a.wav"));
  const uint32_t length = 2 * 4000 - 2;
  std::memcpy(bytes.data() + 40, &length, sizeof(length));
  write_bytes(file("a.wav"), bytes.substr(0, bytes.size() - 2));
  EXPECT_EQ(decode(file("a.wav")).samples.size(), 1999U);
  EXPECT_THAT(decode(file("a.wav")).warning, HasSubstr("last frame is incomplete: 2 of 4 bytes"));
}

TEST_F(Damage, TruncatedFilesAreRejected) {
  const std::vector<std::pair<std::string, int>> formats{
      {"a.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16},  {"b.caf", SF_FORMAT_CAF | SF_FORMAT_ALAC_16},
      {"c.sph", SF_FORMAT_NIST | SF_FORMAT_PCM_16}, {"d.sph", SF_FORMAT_NIST | SF_FORMAT_ULAW},
      {"e.voc", SF_FORMAT_VOC | SF_FORMAT_PCM_16},  {"f.avr", SF_FORMAT_AVR | SF_FORMAT_PCM_16},
      {"g.wve", SF_FORMAT_WVE | SF_FORMAT_ALAW},    {"h.svx", SF_FORMAT_SVX | SF_FORMAT_PCM_16},
      {"i.htk", SF_FORMAT_HTK | SF_FORMAT_PCM_16},  {"j.svx", SF_FORMAT_SVX | SF_FORMAT_PCM_S8}};
  for (const auto& [name, format] : formats) {
    SCOPED_TRACE(name);
    write_audio(file(name), make_tone(2, 8000), 8000, format);
    EXPECT_EQ(decode(file(name)).samples.size(), 16000U);
    EXPECT_EQ(decode(file(name)).warning, "");
    for (const double fraction : {0.5, 0.9, 0.99}) {
      const auto kind = problem(truncated(file(name), fraction)).first;
      EXPECT_TRUE(kind == AudioProblem::kDamaged ||
                  (kind == AudioProblem::kNotAudio && name == "i.htk"));
    }
  }
}

TEST_F(Damage, ATruncatedFlacIsReadIfAccepted) {
  write_audio(file("a.flac"), make_tone(4, 16000), 16000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  const auto path = truncated(file("a.flac"), 0.7);
  EXPECT_EQ(problem(path).first, AudioProblem::kDamaged);
  const AudioClip clip = decode_damaged(path);
  const AudioClip complete = decode(file("a.flac"));
  ASSERT_GT(clip.samples.size(), 20000U);
  ASSERT_LT(clip.samples.size(), 64000U);
  EXPECT_TRUE(std::equal(clip.samples.begin(), clip.samples.end(), complete.samples.begin()));
  EXPECT_THAT(clip.damage, HasSubstr("declares 64000 frames"));
}

TEST_F(Damage, AcceptingDamageDoesNotChangeOtherFiles) {
  write_audio(file("a.wav"), tone_, 8000);
  const AudioClip clip = decode_damaged(file("a.wav"));
  EXPECT_EQ(clip.samples, decode(file("a.wav")).samples);
  EXPECT_EQ(clip.damage, "");
  write_bytes(file("b.wav"), "this is a text, whatever its name says");
  EXPECT_EQ(problem(file("b.wav"), {.max_seconds = kNoLimit, .accept_damaged = true}).first,
            AudioProblem::kNotAudio);
}

}  // namespace
}  // namespace s2i
