#include "weights/hub_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

#include "core/error.h"
#include "temporary_folder.h"

namespace s2i {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Hub : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("HF_HUB_CACHE", (folder_.path() / "hub").c_str(), 1);
    add("microsoft", "wavlm-base-plus", "aaaa1111", "main");
    add("microsoft", "wavlm-base-plus", "bbbb2222", "v2");
    add("someone", "other", "cccc3333", "");
  }
  void TearDown() override { ::unsetenv("HF_HUB_CACHE"); }

  void add(const std::string& owner, const std::string& name, const std::string& commit,
           const std::string& reference) {
    const fs::path repository = folder_.path() / "hub" / ("models--" + owner + "--" + name);
    fs::create_directories(repository / "snapshots" / commit);
    fs::create_directories(repository / "refs");
    if (!reference.empty()) std::ofstream(repository / "refs" / reference) << commit;
  }
  std::string refusal(const std::string& init) {
    try {
      resolve_model(init);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  }

  TemporaryFolder folder_;
};

TEST_F(Hub, AFolderIsItself) { EXPECT_EQ(resolve_model(folder_.path()), folder_.path()); }

TEST_F(Hub, NamesAreFoundInTheCache) {
  EXPECT_EQ(resolve_model("microsoft/wavlm-base-plus").filename(), "aaaa1111");
  EXPECT_EQ(resolve_model("wavlm-base-plus").filename(), "aaaa1111");
  EXPECT_EQ(resolve_model("microsoft/wavlm-base-plus@v2").filename(), "bbbb2222");
  EXPECT_EQ(resolve_model("microsoft/wavlm-base-plus@bbbb2222").filename(), "bbbb2222");
  EXPECT_EQ(resolve_model("microsoft/wavlm-base-plus@bb").filename(), "bbbb2222");
  EXPECT_EQ(resolve_model("someone/other").filename(), "cccc3333");  // no main, one snapshot
}

TEST_F(Hub, WithoutAPublisherTheNameHasToBeUnique) {
  EXPECT_EQ(resolve_model("other").filename(), "cccc3333");
  add("someone-else", "other", "dddd4444", "main");
  EXPECT_THAT(refusal("other"), HasSubstr("2 publishers have a model other"));
  EXPECT_EQ(resolve_model("someone-else/other").filename(), "dddd4444");
}

TEST_F(Hub, CacheFollowsTheEnvironment) {
  ::unsetenv("HF_HUB_CACHE");
  ::setenv("HF_HOME", folder_.path().c_str(), 1);
  EXPECT_EQ(resolve_model("someone/other").filename(), "cccc3333");
  ::unsetenv("HF_HOME");
}

TEST_F(Hub, SaysHowToDownload) {
  EXPECT_THAT(refusal("microsoft/wavlm-large"), HasSubstr("hf download microsoft/wavlm-large"));
  EXPECT_THAT(refusal("wavlm-large"), HasSubstr("hf download PUBLISHER/wavlm-large"));
  EXPECT_THAT(refusal("someone/other@v9"), HasSubstr("hf download someone/other --revision v9"));
}

TEST_F(Hub, RefusesWhatIsNoName) {
  EXPECT_THAT(refusal(""), HasSubstr("no pretrained model"));
  EXPECT_THAT(refusal("./missing"), HasSubstr("no model folder ./missing"));
  EXPECT_THAT(refusal("/missing/folder"), HasSubstr("no model folder"));
  EXPECT_THAT(refusal("a/../../b"), HasSubstr("no model folder"));
  EXPECT_THAT(refusal("microsoft/wavlm-base-plus@../x"), HasSubstr("no model folder"));
}

}  // namespace
}  // namespace s2i
