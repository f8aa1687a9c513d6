// Metrics of this process in the Prometheus data model: counters, gauges and histograms by label.
//
//   const CounterFamily ended = metrics.Counters("narralytica_jobs_ended_total", "jobs that
//   ended"); ended.Add({{"stage", "transcribe"}, {"outcome", "succeeded"}});
//
// Names are `narralytica_<thing>_<unit>[_total]` and stay (docs/metrics.md lists them);
// label values come from a small fixed set, never from ids or input. All of it is thread-safe; a
// family is cheap to copy and must not outlive its Metrics.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
template <typename T>
class Family;
}  // namespace prometheus

namespace narralytica::platform {

using MetricLabels = std::map<std::string, std::string>;

class CounterFamily {
 public:
  void Add(const MetricLabels& labels, double by = 1) const;

 private:
  friend class Metrics;
  explicit CounterFamily(prometheus::Family<prometheus::Counter>& family) : family_(family) {}
  prometheus::Family<prometheus::Counter>& family_;
};

class GaugeFamily {
 public:
  void Set(const MetricLabels& labels, double value) const;

 private:
  friend class Metrics;
  explicit GaugeFamily(prometheus::Family<prometheus::Gauge>& family) : family_(family) {}
  prometheus::Family<prometheus::Gauge>& family_;
};

class HistogramFamily {
 public:
  void Observe(const MetricLabels& labels, double value) const;

 private:
  friend class Metrics;
  HistogramFamily(prometheus::Family<prometheus::Histogram>& family, std::vector<double> bounds)
      : family_(family), bounds_(std::move(bounds)) {}
  prometheus::Family<prometheus::Histogram>& family_;
  std::vector<double> bounds_;
};

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // The family of that name, made on the first call. A name has one kind and one help text.
  CounterFamily Counters(const std::string& name, const std::string& help);
  GaugeFamily Gauges(const std::string& name, const std::string& help);
  // `bounds`: the buckets' upper bounds, ascending, in the unit that the name ends with.
  HistogramFamily Histograms(const std::string& name, const std::string& help,
                             std::vector<double> bounds);

  // Everything, in the Prometheus text format.
  std::string Text() const;
  // Text() as a file that a scraper (node_exporter's textfile collector) may read at any time: it
  // is replaced in one step. kUnavailable when it cannot be written.
  Status WriteFile(const std::string& path) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Bounds for the duration of anything between a fast call and a night of work, in seconds.
std::vector<double> SecondsBounds();

}  // namespace narralytica::platform
