#include "core/stop_signal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

using testing::ElementsAre;

TEST(StopSignal, ListsAreReadWithAndWithoutPrefix) {
  EXPECT_THAT(parse_signals("SIGTERM,USR1,SIGUSR2", "x"), ElementsAre(SIGTERM, SIGUSR1, SIGUSR2));
  EXPECT_THAT(parse_signals("", "x"), ElementsAre());
  EXPECT_EQ(signal_name(SIGXCPU), "SIGXCPU");
}

TEST(StopSignal, WhatCannotAskARunToStopIsRefused) {
  for (const char* names :
       {"SIGKILL", "STOP", "SIGSEGV", "TERM,,INT", "sigterm", "TERM,SIGTERM", "12"}) {
    EXPECT_THROW(parse_signals(names, "run.stop_signals"), UserError) << names;
  }
}

TEST(StopSignal, TheSignalThatCameIsRemembered) {
  const StopSignal watch({SIGUSR2});
  EXPECT_EQ(StopSignal::received(), 0);
  raise(SIGUSR2);
  EXPECT_EQ(StopSignal::received(), SIGUSR2);
}

}  // namespace
}  // namespace s2i
