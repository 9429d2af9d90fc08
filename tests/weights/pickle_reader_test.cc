#include "weights/pickle_reader.h"

#include <ATen/Functions.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "weights/scalar_type.h"
#include "weights/torch_archive.h"

namespace s2i {
namespace {

using ::testing::HasSubstr;

std::string text(const std::string& value) {
  std::string pickle = "X";
  pickle.push_back(static_cast<char>(value.size()));
  pickle.append(3, '\0');
  return pickle.append(value);
}
std::string number(int value) { return {'K', static_cast<char>(value)}; }
const std::string kStart("\x80\x02", 2);
const std::string kRebuild = "ctorch._utils\n_rebuild_tensor_v2\n";

std::string storage(int count, const std::string& type = "ctorch\nFloatStorage\n") {
  return std::string("(") + text("storage") + type + text("0") + text("cpu") + number(count) + "tQ";
}

/// What torch.save writes for a tensor of `rows` by `columns` at `offset` in a storage.
std::string tensor(int count, int offset, int rows, int columns, int stride) {
  return kRebuild + "(" + storage(count) + number(offset) + number(rows) + number(columns) +
         "\x86" + number(stride) + number(1) + "\x86" + "\x89" + "ccollections\nOrderedDict\n)R" +
         "tR";
}

std::string dict(const std::string& value, const std::string& name = "w") {
  return kStart + "}(" + text(name) + value + "u.";
}

NamedTensors read(const std::string& pickle) {
  return build_tensors(read_pickled_tensors(pickle, "a file"), [](const PickledStorage& s) {
    return at::arange(s.count, scalar_type(s.type));
  });
}

std::string refusal(const std::string& pickle) {
  try {
    read(pickle);
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(PickleReader, ReadsTensors) {
  const NamedTensors tensors = read(dict(tensor(10, 2, 2, 3, 4)));
  ASSERT_EQ(tensors.size(), 1U);
  EXPECT_EQ(tensors[0].name, "w");
  EXPECT_TRUE(
      tensors[0].tensor.equal(at::tensor(std::vector<float>{2, 3, 4, 6, 7, 8}).view({2, 3})));
}

TEST(PickleReader, RefusesToRunAnything) {
  EXPECT_THAT(refusal(kStart + "cos\nsystem\n(" + text("true") + "tR."), HasSubstr("os.system"));
  EXPECT_THAT(refusal(kStart + "cbuiltins\neval\n."),
              HasSubstr("builtins.eval, which no state dict needs"));
  EXPECT_THAT(refusal(std::string("\x80\x04", 2) + text("posix") + text("system") + "\x93."),
              HasSubstr("posix.system"));
  EXPECT_THAT(refusal(kStart + "(" + text("ls") + "ios\nsystem\n."), HasSubstr("the opcode 0x69"));
  EXPECT_THAT(refusal(kStart + "}ctorch\nFloatStorage\n)\x81."), HasSubstr("the opcode 0x81"));
  // A storage type is known, but not to be called.
  EXPECT_THAT(refusal(kStart + "ctorch\nFloatStorage\n)R."), HasSubstr("it calls"));
}

TEST(PickleReader, RefusesTensorsOutsideTheirStorage) {
  EXPECT_EQ(refusal(dict(tensor(6, 0, 2, 3, 3))), "");
  EXPECT_THAT(refusal(dict(tensor(5, 0, 2, 3, 3))), HasSubstr("reaches past its storage"));
  EXPECT_THAT(refusal(dict(tensor(6, 1, 2, 3, 3))), HasSubstr("reaches past its storage"));
  EXPECT_THAT(refusal(dict(tensor(3, 0, 100, 3, 0))), HasSubstr("more values than its storage"));
}

TEST(PickleReader, RefusesNamesThatComeTwice) {
  const std::string one = text("w") + tensor(10, 2, 2, 3, 4);
  EXPECT_THAT(refusal(kStart + "}(" + one + one + "u."), HasSubstr("w is there twice"));
}

TEST(PickleReader, RefusesStoragesWithTwoMeanings) {
  const auto both = [](const std::string& second) {
    return kStart + "}(" + text("a") + tensor(6, 0, 2, 3, 3) + text("b") + kRebuild + "(" + second +
           number(0) + number(2) + number(3) + "\x86" + number(3) + number(1) + "\x86" +
           "\x89NtRu.";
  };
  EXPECT_EQ(refusal(both(storage(6))), "");
  EXPECT_THAT(refusal(both(storage(7))), HasSubstr("two types or sizes"));
  EXPECT_THAT(refusal(both(storage(6, "ctorch\nLongStorage\n"))), HasSubstr("two types or sizes"));
}

TEST(PickleReader, RefusesStorageKeysThatAreNoRecord) {
  for (const std::string key : {"", "../version", "a/b", "a.b"}) {
    const std::string pickle = dict(kRebuild + "((" + text("storage") + "ctorch\nFloatStorage\n" +
                                    text(key) + text("cpu") + number(4) + "tQ" + number(0) +
                                    number(4) + "\x85" + number(1) + "\x85\x89NtR");
    EXPECT_THAT(refusal(pickle), HasSubstr("a storage that is none")) << key;
  }
}

// One storage named by many transposed tensors: each would be a copy of it.
TEST(PickleReader, RefusesTensorsThatTogetherOutgrowTheirStorages) {
  const auto many = [](int count) {
    std::string pickle = kStart + "}(";
    for (int i = 0; i < count; ++i) {
      pickle += text(fmt::format("w{}", i)) + kRebuild + "(" + storage(6) + number(0) + number(3) +
                number(2) + "\x86" + number(1) + number(3) + "\x86\x89NtR";
    }
    return pickle + "u.";
  };
  EXPECT_EQ(refusal(many(4)), "");
  EXPECT_THAT(refusal(many(5)), HasSubstr("as large as their storages"));
}

TEST(PickleReader, BoundsTheNumberOfValues) {
  EXPECT_THAT(refusal(kStart + std::string(1 << 20, 'N') + "."), HasSubstr("more than"));
  EXPECT_THAT(refusal(kStart + std::string(100'000, ')') + std::string(99'999, '\x85') + "."),
              HasSubstr("no dict"));  // nested as deep as that
}

TEST(PickleReader, RefusesMalformedStreams) {
  EXPECT_THAT(refusal(""), HasSubstr("ends too early"));
  EXPECT_THAT(refusal(kStart + "X\xff\xff\xff\x7f"), HasSubstr("ends too early"));
  EXPECT_THAT(refusal(kStart + "R."), HasSubstr("not there"));
  EXPECT_THAT(refusal(kStart + "u."), HasSubstr("not there"));
  EXPECT_THAT(refusal(kStart + "h\x05."), HasSubstr("a value 5 that is not there"));
  EXPECT_THAT(refusal(kStart + "]."), HasSubstr("no dict of tensors"));
  EXPECT_THAT(refusal(dict(number(3))), HasSubstr("not a state dict"));
  EXPECT_THAT(refusal(dict(kRebuild + "(" + number(1) + number(1) + number(1) + number(1) + "tR")),
              HasSubstr("without a storage"));
  // Any one byte changed or missing gives a message or tensors, never a crash.
  const std::string good = dict(tensor(10, 2, 2, 3, 4));
  for (size_t i = 0; i < good.size(); ++i) {
    refusal(good.substr(0, i));
    for (const int byte : {0, 1, 40, 46, 82, 113, 133, 255}) {
      std::string changed = good;
      changed[i] = static_cast<char>(byte);
      refusal(changed);
    }
  }
}

}  // namespace
}  // namespace s2i
