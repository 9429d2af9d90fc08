#include "core/stop_signal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using testing::ElementsAre;

TEST(StopSignal, ListsAreParsedWithAndWithoutPrefix) {
  EXPECT_THAT(parse_signals("SIGTERM,USR1,SIGUSR2"), ElementsAre(SIGTERM, SIGUSR1, SIGUSR2));
  EXPECT_THAT(parse_signals(""), ElementsAre());
  EXPECT_EQ(signal_name(SIGXCPU), "SIGXCPU");
  EXPECT_EQ(signal_list({SIGTERM, SIGUSR1}), "SIGTERM,SIGUSR1");
  EXPECT_EQ(signal_list({}), "");
}

TEST(StopSignal, RefusesSignalsThatCannotStopARun) {
  for (const char* names :
       {"SIGKILL", "STOP", "SIGSEGV", "TERM,,INT", "sigterm", "TERM,SIGTERM", "12"}) {
    EXPECT_THROW(parse_signals(names), UserError) << names;
  }
}

TEST(StopSignal, TheReceivedSignalIsRemembered) {
  const StopSignal watch({SIGUSR2});
  EXPECT_EQ(StopSignal::received(), 0);
  raise(SIGUSR2);
  EXPECT_EQ(StopSignal::received(), SIGUSR2);
}

}  // namespace
}  // namespace s2i
