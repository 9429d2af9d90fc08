// MPEG audio: every frame of a stream is decoded, independent of the counts in its headers.
#include <cmath>

#include "audio/decode_fixture.h"
#include "audio/mpeg_header.h"
#include "core/json.h"

namespace s2i {
namespace {

using testing::HasSubstr;

const std::filesystem::path kReferences = S2I_MP3_REFERENCES;

class Mp3 : public Decode {
 protected:
  static std::string stored(const std::string& name) { return read_bytes(kReferences / name); }

  std::filesystem::path write(const std::string& bytes, const std::string& name = "a.mp3") const {
    write_bytes(file(name), bytes);
    return file(name);
  }

  static MpegHeader header_of(const std::string& bytes) {
    const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
    return parse_mpeg_header({data, bytes.size()}).value();
  }
};

// See tests/audio/make_mp3_references.py: with and without Xing and LAME tags, in RIFF, with a
// picture, concatenated, and without the start.
TEST_F(Mp3, MatchesFfmpeg) {
  const Json references = read_json(kReferences / "references.json");
  const auto stride = references.at("stride").get<size_t>();
  ASSERT_EQ(references.at("files").size(), 10U);
  for (const auto& [name, reference] : references.at("files").items()) {
    SCOPED_TRACE(name);
    const AudioClip clip = decode(kReferences / name);
    EXPECT_EQ(clip.sample_rate, reference.at("sample_rate").get<int>());
    ASSERT_EQ(clip.samples.size(), reference.at("samples").get<size_t>());
    EXPECT_EQ(clip.damage, "");
    const auto values = reference.at("values").get<std::vector<float>>();
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_NEAR(clip.samples[i * stride], values[i], 1e-4) << "sample " << i * stride;
    }
  }
}

TEST_F(Mp3, AMissingStartIsAWarning) {
  EXPECT_THAT(decode(kReferences / "cut_at_start.mp3").warning,
              HasSubstr("skipped the first 88 bytes, which are not an MPEG frame"));
  EXPECT_EQ(decode(kReferences / "vbr.mp3").warning, "");
  // Starts with a frame whose data begins in the missing frame before it.
  const std::string bytes = stored("vbr.mp3");
  std::string rest = bytes.substr(header_of(bytes).frame_bytes);
  rest = rest.substr(header_of(rest).frame_bytes);
  EXPECT_THAT(decode(write(rest)).warning, HasSubstr("refers to earlier frames"));
}

TEST_F(Mp3, ATruncatedLastFrameIsDamage) {
  const std::string bytes = stored("vbr.mp3");
  for (const size_t missing : {1, 20, 30}) {
    const auto path = write(bytes.substr(0, bytes.size() - missing));
    const auto [kind, message] = problem(path);
    EXPECT_EQ(kind, AudioProblem::kDamaged);
    EXPECT_THAT(message, HasSubstr("the last MPEG frame is truncated"));
    const AudioClip clip = decode_damaged(path);
    EXPECT_EQ(clip.samples.size(), 6336U - 576U);
    EXPECT_THAT(clip.damage, HasSubstr("read 5760 frames"));
  }
}

TEST_F(Mp3, FewerFramesThanInTheTagAreDamage) {
  const std::string bytes = stored("vbr_xing.mp3");
  std::vector<size_t> starts;
  for (size_t at = 0; at < bytes.size(); at += header_of(bytes.substr(at)).frame_bytes) {
    starts.push_back(at);
  }
  const auto path = write(bytes.substr(0, starts[starts.size() - 2]));
  EXPECT_THAT(problem(path).second, HasSubstr("declares 11 MPEG frames, the file has 9"));
  EXPECT_EQ(decode_damaged(path).samples.size(), 9U * 576 - 1105);
}

TEST_F(Mp3, BytesBetweenFramesAreDamage) {
  std::string bytes = stored("cbr.mp3");
  const size_t frame = header_of(bytes).frame_bytes;
  bytes.insert(3 * frame, "these bytes are no frame");
  const auto path = write(bytes);
  EXPECT_THAT(problem(path).second,
              HasSubstr(fmt::format("24 bytes at byte {} are not an MPEG frame", 3 * frame)));
  EXPECT_EQ(decode_damaged(path).samples.size(), 6336U);
}

TEST_F(Mp3, TagsAndZerosAroundFramesAreNotDamage) {
  const std::string bytes = stored("cbr.mp3");
  const std::string id3v1 = "TAG" + std::string(125, ' ');
  const std::string id3v2 = std::string("ID3\4\0\0\0\0\0\5", 10) + "\xFF\xFB\x50\xC4.";
  std::string ape = "APETAGEX" + std::string(24, '\0');
  ape[8] = '\xD0', ape[9] = '\x07';  // version 2000
  ape[12] = 32 + 10;                 // ten bytes and the footer; no header
  for (const std::string& after :
       {id3v1, std::string(1000, '\0'), "0123456789" + ape, "0123456789" + ape + id3v1,
        "LYRICSBEGIN000011LYRICS200" + id3v1, id3v2 + id3v1}) {
    EXPECT_EQ(decode(write(bytes + after)).samples.size(), 6336U);
    EXPECT_EQ(decode(write(id3v2 + id3v2 + std::string(50, '\0') + bytes + after)).samples.size(),
              6336U);
  }
}

TEST_F(Mp3, RejectsAChangeOfChannels) {
  // Mono after stereo at the same sample rate.
  const std::string mono = stored("cbr.mp3");
  std::string stereo = mono;
  stereo[3] = static_cast<char>(stereo[3] & 0x3F);
  EXPECT_THAT(problem(write(stereo.substr(0, header_of(stereo).frame_bytes) + mono)).second,
              HasSubstr("change between mono and stereo"));
}

TEST_F(Mp3, TooLongStreamsAreNotReadToTheEnd) {
  const std::string bytes = stored("vbr.mp3");
  std::string many;
  for (int i = 0; i < 20; ++i) many += bytes;
  EXPECT_EQ(decode(write(many), 20 * 6336 / 16000.0).samples.size(), 20U * 6336);
  const auto [kind, message] = problem(write(many), 2.0);
  EXPECT_EQ(kind, AudioProblem::kTooLong);
  EXPECT_THAT(message, HasSubstr("--max-seconds"));
}

TEST_F(Mp3, RejectsFreeFormat) {
  std::string bytes = stored("cbr.mp3");
  bytes[2] = static_cast<char>(bytes[2] & 0x0F);
  EXPECT_THAT(problem(write(bytes.substr(0, header_of(stored("cbr.mp3")).frame_bytes))).second,
              HasSubstr("free format"));
}

TEST_F(Mp3, IsReadFromAWav) {
  const std::string bytes = stored("vbr_in_riff.wav");
  EXPECT_EQ(problem(write(bytes.substr(0, bytes.size() - 10), "a.wav")).first,
            AudioProblem::kDamaged);
  EXPECT_EQ(decode_damaged(file("a.wav")).samples.size(), 6336U - 576U);
  std::string piped = bytes;  // lengths as written to a pipe
  const size_t data = piped.find("data");
  piped.replace(4, 4, "\xFF\xFF\xFF\xFF");
  piped.replace(data + 4, 4, "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(decode(write(piped, "a.wav")).samples.size(), 6336U);
}

}  // namespace
}  // namespace s2i
