#include "weights/safetensors.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

class SafetensorsFile : public ::testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "t.safetensors"; }

  /// A file with this header and so many bytes of data.
  void write(const std::string& header, size_t data_bytes) {
    const uint64_t length = header.size();
    std::string content(sizeof(length), '\0');
    std::memcpy(content.data(), &length, sizeof(length));
    write_raw(content + header + std::string(data_bytes, '\0'));
  }
  void write_raw(const std::string& content) { std::ofstream(path(), std::ios::binary) << content; }
  std::string refusal() {
    try {
      read_safetensors(path());
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(path().string()));
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

TEST_F(SafetensorsFile, KeepsTensorsTheirOrderAndMetadata) {
  const NamedTensors tensors = {{"z", at::arange(6, at::kFloat).view({2, 3})},
                                {"a", at::arange(3, at::kLong)},
                                {"scalar", at::full({}, 2.5)},
                                {"none", at::empty({0, 4})},
                                {"half", at::ones({3}, at::kBFloat16)},
                                {"flags", at::ones({5}, at::kBool)},
                                {"turned", at::arange(6, at::kFloat).view({2, 3}).t()}};
  write_safetensors(path(), tensors, {{"format", "pt"}});
  const Safetensors read = read_safetensors(path());
  ASSERT_EQ(read.tensors.size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].tensor.numel() > 0 && read.tensors[i].tensor.numel() > 0) {
      EXPECT_EQ(read.tensors[i].name, tensors[i].name);
    }
    for (const auto& [name, tensor] : read.tensors) {
      if (name == tensors[i].name) {
        EXPECT_EQ(tensor.scalar_type(), tensors[i].tensor.scalar_type());
        EXPECT_TRUE(tensor.equal(tensors[i].tensor)) << name;
      }
    }
  }
  EXPECT_EQ(read.metadata.at("format"), "pt");
}

TEST_F(SafetensorsFile, NamesWhatIsWrong) {
  const std::string good = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  write(good, 8);
  EXPECT_EQ(refusal(), "");
  write(good, 7);
  EXPECT_THAT(refusal(), HasSubstr("may be cut short"));
  write(good, 9);
  EXPECT_THAT(refusal(), HasSubstr("no tensor covers bytes 8 ... 9"));
  write_raw("abc");
  EXPECT_THAT(refusal(), HasSubstr("ends before its header"));
  write_raw(std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}");
  EXPECT_THAT(refusal(), HasSubstr("its header claims"));
  write_raw(std::string("\x40\0\0\0\0\0\0\0", 8) + "{}");
  EXPECT_THAT(refusal(), HasSubstr("may be cut short"));
  write("{not json", 0);
  EXPECT_THAT(refusal(), HasSubstr("invalid JSON"));
  write("[]", 0);
  EXPECT_THAT(refusal(), HasSubstr("not a JSON object"));
  write(R"({"__metadata__":"x"})", 0);
  EXPECT_THAT(refusal(), HasSubstr("its metadata"));
  write(R"({"__metadata__":{"x":1}})", 0);
  EXPECT_THAT(refusal(), HasSubstr("its metadata"));
  write_raw(std::string("\x01\0\0\x01\0\0\0\0", 8) + "{}");  // 16 MiB and a byte
  EXPECT_THAT(refusal(), HasSubstr("over the limit"));
}

TEST_F(SafetensorsFile, ChecksTypesShapesAndPlaces) {
  const auto entry = [](const std::string& rest) { return "{\"w\":{" + rest + "}}"; };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("dtype":"F99","shape":[2],"data_offsets":[0,8])", "the type F99"},
      {R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", "needs 12 bytes"},
      {R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", "no number"},
      {R"("dtype":"F32","shape":2,"data_offsets":[0,8])", "no list \"shape\""},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0])", "1 offsets"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", "lies at 8 ... 0"},
      {R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])", "impossible shape"},
      {R"("shape":[2],"data_offsets":[0,8])", "'dtype' is missing"},
      {R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])", "no number"},
      {R"("dtype":"F32","shape":[2],"data_offsets":[0,8.0])", "no number"},
      // With a 0 in the shape there are no bytes, but the strides must not overflow.
      {R"("dtype":"F32","shape":[0,18446744073709551615],"data_offsets":[0,0])",
       "impossible shape"},
      {R"("dtype":"F32","shape":[4294967296,0,4294967296],"data_offsets":[0,0])",
       "impossible shape"},
  };
  for (const auto& [rest, message] : cases) {
    write(entry(rest), 8);
    EXPECT_THAT(refusal(), HasSubstr(message)) << rest;
  }
}

TEST_F(SafetensorsFile, RefusesOverlapsHolesAndDuplicates) {
  const auto two = [](const char* first, const char* second, const char* name = "b") {
    return fmt::format(
        R"({{"a":{{"dtype":"F32","shape":[2],"data_offsets":[{}]}},"{}":{{"dtype":"F32","shape":[2],"data_offsets":[{}]}}}})",
        first, name, second);
  };
  write(two("0,8", "8,16"), 16);
  EXPECT_EQ(refusal(), "");
  write(two("0,8", "4,12"), 12);
  EXPECT_THAT(refusal(), HasSubstr("b overlaps"));
  write(two("0,8", "12,20"), 20);
  EXPECT_THAT(refusal(), HasSubstr("no tensor covers bytes 8 ... 12"));
  write(two("0,8", "8,16", "a"), 16);
  EXPECT_THAT(refusal(), HasSubstr("duplicate key 'a'"));
}

TEST_F(SafetensorsFile, FailureLeavesTheOldFile) {
  write_safetensors(path(), {{"w", at::ones({2})}});
  const std::string before = read_file(path(), 1 << 20);
  EXPECT_THROW(write_safetensors(path(), {{"w", at::ones({2}, at::kComplexFloat)}}), RunError);
  EXPECT_EQ(read_file(path(), 1 << 20), before);
  EXPECT_THROW(write_safetensors(folder_.path() / "none" / "t", {}), RunError);
}

}  // namespace
}  // namespace s2i
