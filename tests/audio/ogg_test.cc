// Ogg: streams without an end-of-stream flag are read completely; missing and corrupt pages are
// damage.
#include <random>

#include "audio/decode_fixture.h"

namespace s2i {
namespace {

using testing::HasSubstr;

constexpr size_t kSamples = 160001;

class Ogg : public Decode, public testing::WithParamInterface<int> {
 protected:
  /// Returns a file with several pages.
  std::string encoded() const {
    std::vector<float> noise(kSamples);
    std::minstd_rand random(1);
    for (float& sample : noise) {
      sample = static_cast<float>(random()) / static_cast<float>(std::minstd_rand::max()) - 0.5F;
    }
    write_audio(file("complete.ogg"), noise, 16000, SF_FORMAT_OGG | GetParam());
    return read_bytes(file("complete.ogg"));
  }

  std::filesystem::path write(const std::string& bytes) const {
    write_bytes(file("a.ogg"), bytes);
    return file("a.ogg");
  }

  static std::vector<size_t> pages(const std::string& bytes) {
    std::vector<size_t> found;
    for (size_t at = bytes.find("OggS"); at != std::string::npos; at = bytes.find("OggS", at + 1)) {
      found.push_back(at);
    }
    return found;
  }

  /// Removes the end-of-stream flag of the last page, as in files from Telegram for Android. The
  /// checksum is linear, so it changes by the checksum of the flag alone.
  static std::string without_end_flag(std::string bytes) {
    const size_t last = pages(bytes).back();
    uint32_t change = 0;
    for (size_t i = last; i < bytes.size(); ++i) {
      const uint32_t byte = i == last + 5 ? 4 : 0;
      change ^= byte << 24;
      for (int bit = 0; bit < 8; ++bit) {
        change = (change << 1) ^ ((change & 0x80000000U) != 0 ? 0x04C11DB7U : 0);
      }
    }
    bytes[last + 5] = static_cast<char>(bytes[last + 5] & ~4);
    for (size_t i = 0; i < 4; ++i) {
      bytes[last + 22 + i] = static_cast<char>(bytes[last + 22 + i] ^ (change >> (8 * i) & 0xFF));
    }
    return bytes;
  }
};

TEST_P(Ogg, WithoutTheEndFlagIsReadToTheLastSample) {
  const std::string bytes = encoded();
  const AudioClip complete = decode(file("complete.ogg"));
  EXPECT_EQ(complete.samples.size(), kSamples);
  EXPECT_EQ(complete.warning, "");
  const AudioClip clip = decode(write(without_end_flag(bytes)));
  EXPECT_EQ(clip.samples, complete.samples);
  EXPECT_THAT(clip.warning, HasSubstr("has no end-of-stream flag"));
  EXPECT_EQ(clip.damage, "");
}

TEST_P(Ogg, WithoutTheLastPageIsReadWithAWarningOrRejected) {
  const std::string bytes = encoded();
  const auto path = write(bytes.substr(0, pages(bytes).back()));
  AudioClip clip;
  try {
    decode_audio(path, {.max_seconds = kNoLimit}, clip);
    EXPECT_THAT(clip.warning, HasSubstr("has no end-of-stream flag"));
  } catch (const AudioError& error) {
    EXPECT_EQ(error.problem(), AudioProblem::kDamaged);
  }
}

TEST_P(Ogg, TruncatedInsideAPageIsDamage) {
  const std::string bytes = without_end_flag(encoded());
  for (const size_t missing : {size_t{1}, size_t{50}, bytes.size() - pages(bytes).back() - 10}) {
    const auto [kind, message] = problem(write(bytes.substr(0, bytes.size() - missing)));
    EXPECT_EQ(kind, AudioProblem::kDamaged);
    EXPECT_THAT(message, HasSubstr("the last Ogg page is truncated"));
  }
}

TEST_P(Ogg, AMissingPageIsDamage) {
  const std::string bytes = encoded();
  const auto starts = pages(bytes);
  ASSERT_GT(starts.size(), 4U);
  const size_t begin = starts[starts.size() - 2];
  const auto path = write(bytes.substr(0, begin) + bytes.substr(starts.back()));
  EXPECT_THAT(problem(path).second, HasSubstr("Ogg pages are missing before byte"));
}

TEST_P(Ogg, OneWrongByteIsDamage) {
  std::string bytes = encoded();
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_THAT(problem(write(bytes)).second, HasSubstr("has a wrong checksum"));
}

TEST_P(Ogg, ASecondStreamIsRejected) {
  const std::string bytes = encoded();
  const auto [kind, message] = problem(write(bytes + bytes));
  EXPECT_EQ(kind, AudioProblem::kNotAudio);
  EXPECT_THAT(message, HasSubstr("several concatenated Ogg streams"));
}

TEST_P(Ogg, BytesAfterTheEndAreAWarning) {
  const AudioClip clip = decode(write(encoded() + "TAG" + std::string(125, ' ')));
  EXPECT_EQ(clip.samples.size(), kSamples);
  EXPECT_THAT(clip.warning, HasSubstr("128 bytes after the end"));
}

INSTANTIATE_TEST_SUITE_P(Codecs, Ogg, testing::Values(SF_FORMAT_VORBIS, SF_FORMAT_OPUS),
                         [](const auto& codec) {
                           return codec.param == SF_FORMAT_VORBIS ? "Vorbis" : "Opus";
                         });

}  // namespace
}  // namespace s2i
