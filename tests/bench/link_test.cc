#include "bench/s2i_bench/link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace s2i {
namespace {

TEST(Link, BusFactorIsThatOfNcclTests) {
  EXPECT_EQ(bus_factor(1), 0);
  EXPECT_EQ(bus_factor(2), 1);
  EXPECT_EQ(bus_factor(8), 1.75);
}

TEST(Link, OneRankTalksToNobody) { EXPECT_EQ(all_reduce_seconds({1, 1}, 1e9, 1), 0); }

TEST(Link, FitFindsLatencyAndBandwidth) {
  const Link link{50e-6, 2e9};
  for (const int ranks : {2, 4, 7}) {
    std::vector<LinkSample> samples;
    for (double bytes = 1024; bytes < 1e8; bytes *= 4) {
      samples.push_back({bytes, all_reduce_seconds(link, bytes, ranks)});
    }
    const LinkFit fit = fit_link(samples, ranks);
    EXPECT_NEAR(fit.link.latency, link.latency, 1e-9);
    EXPECT_NEAR(fit.link.bandwidth, link.bandwidth, 1e3);
    EXPECT_LT(fit.worst_error, 1e-6);
  }
}

TEST(Link, FitSaysHowFarOffItIs) {
  const LinkFit fit = fit_link({{1000, 1e-3}, {2000, 3e-3}, {4000, 2e-3}}, 2);
  EXPECT_GT(fit.worst_error, 0.2);
  EXPECT_GE(fit.link.latency, 0);
  EXPECT_GT(fit.link.bandwidth, 0);
}

TEST(Link, IsNamedOrWritten) {
  EXPECT_EQ(parse_link("nvlink4").bandwidth, 370e9);
  EXPECT_DOUBLE_EQ(parse_link("20:45").latency, 20e-6);
  EXPECT_DOUBLE_EQ(parse_link("20:45").bandwidth, 45e9);
  for (const char* text : {"fast", "20", "20:0", "-1:4", "20:45x"}) {
    try {
      parse_link(text);
      ADD_FAILURE() << text;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr("nvlink4"));
    }
  }
}

}  // namespace
}  // namespace s2i
