#include "weights/zip_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "weights/torch_archive.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

template <typename T>
std::string bytes(T value) {
  std::string text(sizeof(T), '\0');
  std::memcpy(text.data(), &value, sizeof(T));
  return text;
}

struct Record {
  std::string name;
  std::string content;
  uint16_t method = 0;
  uint32_t claimed = UINT32_MAX;  ///< bytes, if not those of the content
  uint32_t offset = UINT32_MAX;   ///< if not where it lies
};

/// An archive of stored records, its checksums left at zero.
std::string archive(const std::vector<Record>& records) {
  std::string file, directory;
  for (const Record& record : records) {
    const auto size = static_cast<uint32_t>(record.content.size());
    const uint32_t claimed = record.claimed == UINT32_MAX ? size : record.claimed;
    const auto offset = static_cast<uint32_t>(file.size());
    const auto name_bytes = static_cast<uint16_t>(record.name.size());
    const std::string sizes = bytes<uint32_t>(0) + bytes(claimed) + bytes(claimed) +
                              bytes(name_bytes) + bytes<uint16_t>(0);
    const std::string start = bytes<uint16_t>(0) + bytes(record.method) + bytes<uint32_t>(0);
    file += bytes<uint32_t>(0x04034b50) + bytes<uint16_t>(20) + start + sizes + record.name +
            record.content;
    directory += bytes<uint32_t>(0x02014b50) + bytes<uint16_t>(20) + bytes<uint16_t>(20) + start +
                 sizes + std::string(10, '\0') +
                 bytes(record.offset == UINT32_MAX ? offset : record.offset) + record.name;
  }
  const auto count = static_cast<uint16_t>(records.size());
  return file + directory + bytes<uint32_t>(0x06054b50) + bytes<uint32_t>(0) + bytes(count) +
         bytes(count) + bytes(static_cast<uint32_t>(directory.size())) +
         bytes(static_cast<uint32_t>(file.size())) + bytes<uint16_t>(0);
}

std::string refusal(const std::string& file) {
  try {
    read_zip_directory(MemorySource(std::as_bytes(std::span(file))), "a.bin");
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(ZipDirectory, ListsTheRecords) {
  const std::string file = archive({{"m/data.pkl", "abc"}, {"m/version", "3"}});
  const auto records = read_zip_directory(MemorySource(std::as_bytes(std::span(file))), "a.bin");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].name, "m/version");
  EXPECT_EQ(records[1].bytes, 1U);
}

TEST(ZipDirectory, TakesWhatTorchSaveWrites) {
  const std::filesystem::path archives = S2I_TORCH_ARCHIVES;
  EXPECT_EQ(read_torch_archive(archives / "plain").size(), 2U);
  const NamedTensors shared = read_torch_archive(archives / "shared");
  ASSERT_EQ(shared.size(), 4U);
  EXPECT_TRUE(shared[1].tensor.equal(shared[0].tensor.t()));  // "t", a view of "w"
  EXPECT_THAT([&] { read_torch_archive(archives / "deflated"); },
              ::testing::ThrowsMessage<UserError>(HasSubstr("compressed")));
}

TEST(ZipDirectory, RefusesWhatWouldCostMoreThanTheFile) {
  EXPECT_THAT(refusal(archive({{"m/version", "3", 8}})), HasSubstr("is compressed"));
  EXPECT_THAT(refusal(archive({{"m/version", "3", 0, 1 << 30}})), HasSubstr("more than there are"));
  const std::string content(100, 'x');
  EXPECT_THAT(refusal(archive({{"m/a", content}, {"m/b", content, 0, 100, 0}})),
              HasSubstr("overlap"));
}

TEST(ZipDirectory, RefusesNamesThatAreTwiceOrLeadOut) {
  EXPECT_THAT(refusal(archive({{"m/a", "1"}, {"m/a", "2"}})), HasSubstr("m/a is there twice"));
  for (const char* name : {"/etc/passwd", "m/../../a", "m\\a"}) {
    EXPECT_THAT(refusal(archive({{name, "1"}})), HasSubstr("a record is called")) << name;
  }
}

TEST(ZipDirectory, RefusesWhatIsCutShortOrChanged) {
  const std::string good = archive({{"m/data.pkl", "abc"}, {"m/version", "3"}});
  EXPECT_EQ(refusal(good), "");
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_NE(refusal(good.substr(0, i)), "") << i;
    for (const int byte : {0, 1, 0x50, 0x7F, 0xFF}) {
      std::string changed = good;
      changed[i] = static_cast<char>(byte);
      refusal(changed);  // a message or a list, never a crash
    }
  }
  EXPECT_NE(refusal(good + "x"), "");
}

}  // namespace
}  // namespace s2i
