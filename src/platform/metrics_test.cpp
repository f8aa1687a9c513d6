#include "platform/metrics.hpp"

#include <gmock/gmock.h>
#include <thread>

#include "platform/file.hpp"

namespace narralytica::platform {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, CountsByLabel) {
  Metrics metrics;
  const CounterFamily ended = metrics.Counters("narralytica_test_ended_total", "things that ended");
  ended.Add({{"outcome", "succeeded"}});
  ended.Add({{"outcome", "succeeded"}}, 2);
  ended.Add({{"outcome", "failed"}});
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP narralytica_test_ended_total things that ended"));
  EXPECT_THAT(text, HasSubstr("narralytica_test_ended_total{outcome=\"succeeded\"} 3"));
  EXPECT_THAT(text, HasSubstr("narralytica_test_ended_total{outcome=\"failed\"} 1"));
}

TEST(MetricsTest, AGaugeHoldsItsLastValue) {
  Metrics metrics;
  const GaugeFamily open = metrics.Gauges("narralytica_test_open", "things that are open");
  open.Set({}, 7);
  open.Set({}, 4);
  EXPECT_THAT(metrics.Text(), HasSubstr("narralytica_test_open 4"));
}

TEST(MetricsTest, AHistogramFillsItsBuckets) {
  Metrics metrics;
  const HistogramFamily seconds =
      metrics.Histograms("narralytica_test_seconds", "how long it took", {1, 10});
  for (const double value : {0.5, 5.0, 50.0}) seconds.Observe({{"op", "x"}}, value);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("narralytica_test_seconds_bucket{op=\"x\",le=\"1\"} 1"));
  EXPECT_THAT(text, HasSubstr("narralytica_test_seconds_bucket{op=\"x\",le=\"10\"} 2"));
  EXPECT_THAT(text, HasSubstr("narralytica_test_seconds_count{op=\"x\"} 3"));
}

TEST(MetricsTest, OneNameIsOneFamilyFromEveryThread) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&metrics] {
        for (int k = 0; k < 100; ++k) metrics.Counters("narralytica_test_total", "things").Add({});
      });
    }
  }
  EXPECT_THAT(metrics.Text(), HasSubstr("narralytica_test_total 400"));
}

TEST(MetricsTest, TheFileIsTheText) {
  const auto folder = TemporaryFolder::Create(testing::TempDir(), "metrics").value();
  Metrics metrics;
  metrics.Counters("narralytica_test_total", "things").Add({});
  ASSERT_TRUE(metrics.WriteFile(folder.path() + "/work.prom"));
  EXPECT_EQ(ReadFile(folder.path() + "/work.prom", 1 << 16).value(), metrics.Text());
  EXPECT_FALSE(metrics.WriteFile(folder.path() + "/none/work.prom"));
}

}  // namespace
}  // namespace narralytica::platform
