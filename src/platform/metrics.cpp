#include "platform/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "platform/file.hpp"

namespace narralytica::platform {

struct Metrics::State {
  prometheus::Registry registry;
};

void CounterFamily::Add(const MetricLabels& labels, double by) const {
  family_.Add(labels).Increment(by);
}

void GaugeFamily::Set(const MetricLabels& labels, double value) const {
  family_.Add(labels).Set(value);
}

void HistogramFamily::Observe(const MetricLabels& labels, double value) const {
  family_.Add(labels, bounds_).Observe(value);
}

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

CounterFamily Metrics::Counters(const std::string& name, const std::string& help) {
  return CounterFamily(prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry));
}

GaugeFamily Metrics::Gauges(const std::string& name, const std::string& help) {
  return GaugeFamily(prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry));
}

HistogramFamily Metrics::Histograms(const std::string& name, const std::string& help,
                                    std::vector<double> bounds) {
  return {prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry),
          std::move(bounds)};
}

std::string Metrics::Text() const {
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

Status Metrics::WriteFile(const std::string& path) const {
  return WriteFileAtomically(path, std::string_view(Text()));
}

std::vector<double> SecondsBounds() {
  return {.01, .03, .1, .3, 1, 3, 10, 30, 100, 300, 1'000, 3'000, 10'000};
}

}  // namespace narralytica::platform
