#include "audio/decode.h"

#include <atomic>
#include <cstring>
#include <limits>
#include <thread>

#include "audio/decode_fixture.h"
#include "audio/load.h"

/// libsndfile 1.2.0 leaks memory for an Ogg file with truncated headers. LeakSanitizer calls this
/// function for its suppressions.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init"; }

namespace s2i {
namespace {

using testing::HasSubstr;

TEST_F(Decode, Reads16BitSamplesExactly) {
  const std::vector<int16_t> values{0, 1, -1, 32767, -32768, 12345};
  write_audio(file("a.wav"), std::vector<float>(values.size()), 8000);
  std::string bytes = read_bytes(file("a.wav"));
  std::memcpy(bytes.data() + 44, values.data(), 2 * values.size());
  write_bytes(file("a.wav"), bytes);
  std::vector<float> samples;
  for (const int16_t value : values) samples.push_back(static_cast<float>(value) / 32768.0F);
  const AudioClip clip = decode(file("a.wav"));
  EXPECT_EQ(clip.samples, samples);
  EXPECT_EQ(clip.sample_rate, 8000);
}

TEST_F(Decode, ReadsTheFormatsOfSpeechCorpora) {
  const auto tone = make_tone(0.5, 16000);
  const std::vector<std::pair<std::string, int>> formats{
      {"a.wav", kWav16},
      {"b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24},
      {"c.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT},
      {"d.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW},
      {"e.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16},
      {"f.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
      {"g.wav", SF_FORMAT_WAV | SF_ENDIAN_BIG | SF_FORMAT_PCM_16},
      {"h.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
      {"i.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
      {"j.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
      {"k.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
      {"l.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16},
      {"m.caf", SF_FORMAT_CAF | SF_FORMAT_PCM_16}};
  for (const auto& [name, format] : formats) {
    SCOPED_TRACE(name);
    write_audio(file(name), tone, 16000, format);
    const AudioClip clip = decode(file(name));
    EXPECT_EQ(clip.sample_rate, 16000);
    ASSERT_EQ(clip.samples.size(), tone.size());
    double error = 0;
    for (size_t i = 0; i < tone.size(); ++i) {
      error = std::max(error, std::abs(static_cast<double>(clip.samples[i] - tone[i])));
    }
    EXPECT_LT(error, 0.05);
  }
}

TEST_F(Decode, AveragesTheChannels) {
  write_audio(file("a.wav"), {0.5F, 0.25F, -0.5F, 0.5F}, 8000, kWav16, 2);
  EXPECT_EQ(decode(file("a.wav")).samples, (std::vector<float>{0.375F, 0.0F}));
}

TEST_F(Decode, AveragesFilesLongerThanOneBlock) {
  const size_t frames = 200000;
  std::vector<float> samples;
  for (size_t i = 0; i < frames; ++i) {
    const float value = static_cast<float>(i % 1000) / 1024.0F;
    samples.insert(samples.end(), {value, value, value});
  }
  write_audio(file("a.wav"), samples, 48000, kWav16, 3);
  const AudioClip clip = decode(file("a.wav"));
  ASSERT_EQ(clip.samples.size(), frames);
  EXPECT_FLOAT_EQ(clip.samples[123456], 456.0F / 1024.0F);
}

TEST_F(Decode, ReusesTheClipForAnotherFile) {
  write_audio(file("a.wav"), make_tone(1, 8000), 8000);
  write_audio(file("b.wav"), {0.5F}, 16000);
  AudioClip clip;
  decode_audio(file("a.wav"), {.max_seconds = kNoLimit}, clip);
  decode_audio(file("b.wav"), {.max_seconds = kNoLimit}, clip);
  EXPECT_EQ(clip.samples, std::vector<float>{0.5F});
  EXPECT_EQ(clip.sample_rate, 16000);
}

TEST_F(Decode, ReportsAMissingFile) {
  const auto [kind, message] = problem(file("gone.wav"));
  EXPECT_EQ(kind, AudioProblem::kNotFound);
  EXPECT_THAT(message, HasSubstr("gone.wav: no such file"));
}

TEST_F(Decode, RejectsAFolder) { EXPECT_EQ(problem(file("")).first, AudioProblem::kUnreadable); }

TEST_F(Decode, RejectsATextFile) {
  write_bytes(file("a.wav"), "text in a file named .wav");
  EXPECT_EQ(problem(file("a.wav")).first, AudioProblem::kNotAudio);
}

TEST_F(Decode, RejectsAnEmptyFileAndAFileWithoutSamples) {
  write_bytes(file("a.wav"), "");
  EXPECT_EQ(problem(file("a.wav")).first, AudioProblem::kEmpty);
  write_audio(file("b.wav"), {}, 8000);
  EXPECT_EQ(problem(file("b.wav")).first, AudioProblem::kEmpty);
}

TEST_F(Decode, RejectsTruncatedFiles) {
  const std::vector<std::pair<std::string, int>> formats{
      {"a.wav", kWav16},
      {"b.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16},
      {"c.wav", SF_FORMAT_RF64 | SF_FORMAT_PCM_16},
      {"d.wav", SF_FORMAT_WAV | SF_ENDIAN_BIG | SF_FORMAT_PCM_16},
      {"e.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_16},
      {"f.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS},
      {"g.aiff", SF_FORMAT_AIFF | SF_FORMAT_PCM_16},
      {"h.au", SF_FORMAT_AU | SF_FORMAT_PCM_16},
      {"i.w64", SF_FORMAT_W64 | SF_FORMAT_PCM_16}};
  for (const auto& [name, format] : formats) {
    write_audio(file(name), make_tone(2, 16000), 16000, format);
    for (const double fraction : {0.5, 0.9}) {
      SCOPED_TRACE(fmt::format("{} {}", name, fraction));
      EXPECT_EQ(problem(truncated(file(name), fraction)).first, AudioProblem::kDamaged);
    }
  }
}

TEST_F(Decode, RejectsAWavWithoutItsLastByte) {
  write_audio(file("a.wav"), make_tone(0.1, 8000), 8000);
  const std::string bytes = read_bytes(file("a.wav"));
  write_bytes(file("a.wav"), bytes.substr(0, bytes.size() - 1));
  const auto [kind, message] = problem(file("a.wav"));
  EXPECT_EQ(kind, AudioProblem::kDamaged);
  EXPECT_THAT(message, HasSubstr("declares 1600 bytes of samples, the file has 1599"));
}

TEST_F(Decode, AcceptsAWavWithoutALengthFromAPipe) {
  const auto tone = make_tone(0.1, 8000);
  write_audio(file("a.wav"), tone, 8000);
  std::string bytes = read_bytes(file("a.wav"));
  bytes.replace(4, 4, "\xFF\xFF\xFF\xFF");
  bytes.replace(40, 4, "\xFF\xFF\xFF\xFF");
  write_bytes(file("a.wav"), bytes);
  EXPECT_EQ(decode(file("a.wav")).samples.size(), tone.size());
}

TEST_F(Decode, RejectsSamplesThatAreNotFinite) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN()}) {
    auto tone = make_tone(0.1, 8000);
    tone[333] = bad;
    write_audio(file("a.wav"), tone, 8000, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
    EXPECT_EQ(problem(file("a.wav")).first, AudioProblem::kNotFinite);
  }
}

TEST_F(Decode, RejectsOneSampleOverTheLimit) {
  write_audio(file("a.wav"), make_tone(2, 8000), 8000);
  EXPECT_EQ(decode(file("a.wav"), 2.0).samples.size(), 16000U);
  auto longer = make_tone(2, 8000);
  longer.push_back(0);
  write_audio(file("a.wav"), longer, 8000);
  EXPECT_EQ(problem(file("a.wav"), 2.0).first, AudioProblem::kTooLong);
}

TEST_F(Decode, IsThreadSafeWithBadFiles) {
  // A double close of a descriptor would close a file that another thread has just opened.
  const auto tone = make_tone(0.2, 8000);
  write_audio(file("good.wav"), tone, 8000);
  write_bytes(file("bad.wav"), "text in a file named .wav");
  std::atomic<int> failures{0};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 300; ++i) {
          try {
            const auto clip = decode(file(thread % 2 == 0 ? "good.wav" : "bad.wav"));
            if (thread % 2 != 0 || clip.samples.size() != tone.size()) ++failures;
          } catch (const AudioError& error) {
            if (thread % 2 == 0 || error.problem() != AudioProblem::kNotAudio) ++failures;
          }
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
}

TEST_F(Decode, LoadsAtTheRequestedRate) {
  write_audio(file("a.wav"), make_tone(0.5, 44100), 44100);
  EXPECT_EQ(load_audio(file("a.wav"), 16000, {.max_seconds = kNoLimit}).size(), 8000U);
  EXPECT_EQ(load_audio(file("a.wav"), 44100, {.max_seconds = kNoLimit}),
            decode(file("a.wav")).samples);
}

// The samples are finite in the file and infinite after the resampling filter. Found by fuzzing.
TEST_F(Decode, RejectsSamplesThatResamplingMakesInfinite) {
  std::vector<float> samples(800);
  for (size_t i = 0; i < samples.size(); ++i) samples[i] = (i / 7) % 2 == 0 ? 3e38F : -3e38F;
  write_audio(file("a.wav"), samples, 8000, SF_FORMAT_WAV | SF_FORMAT_FLOAT);
  EXPECT_EQ(decode(file("a.wav")).samples.size(), 800U);
  EXPECT_THAT([&] { load_audio(file("a.wav"), 16000, {.max_seconds = kNoLimit}); },
              testing::ThrowsMessage<AudioError>(HasSubstr("too large to resample")));
}

// The limit on the audio is in seconds, so the sample rate in the header needs a limit too.
TEST_F(Decode, RejectsImpossibleRates) {
  write_audio(file("a.wav"), make_tone(0.01, 8000), 8000);
  std::string bytes = read_bytes(file("a.wav"));
  for (const char byte : {'\x10', '\x7f'}) {
    bytes[27] = byte;  // the highest byte of the rate
    write_bytes(file("b.wav"), bytes);
    EXPECT_EQ(problem(file("b.wav")).first, AudioProblem::kNotAudio);
  }
}

}  // namespace
}  // namespace s2i
