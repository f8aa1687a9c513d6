#include "speakers/linkage.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "speakers/voice_pooling.hpp"

namespace narralytica::speakers {
namespace {

// Around one of a few directions, more or less closely.
std::vector<Voice> Around(size_t directions, size_t count, float spread, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<Voice> centres(directions);
  for (Voice& centre : centres) {
    for (float& value : centre) value = normal(random);
    Normalise(centre);
  }
  std::vector<Voice> voices(count);
  for (size_t i = 0; i < count; ++i) {
    for (size_t d = 0; d < kVoiceDimension; ++d) {
      voices[i][d] = centres[i % directions][d] + spread * normal(random);
    }
    Normalise(voices[i]);
  }
  return voices;
}

// What the definition says, in cubic time.
std::vector<size_t> Naive(const std::vector<Voice>& voices, float distance_max) {
  std::vector<std::vector<size_t>> clusters;
  for (size_t i = 0; i < voices.size(); ++i) clusters.push_back({i});
  while (clusters.size() > 1) {
    double least = 3;
    size_t a = 0, b = 0;
    for (size_t i = 0; i < clusters.size(); ++i) {
      for (size_t j = i + 1; j < clusters.size(); ++j) {
        double sum = 0;
        for (const size_t x : clusters[i]) {
          for (const size_t y : clusters[j]) sum += 1 - double(Dot(voices[x], voices[y]));
        }
        const double mean = sum / double(clusters[i].size() * clusters[j].size());
        if (mean < least) {
          least = mean;
          a = i;
          b = j;
        }
      }
    }
    if (least > double(distance_max)) break;
    clusters[a].insert(clusters[a].end(), clusters[b].begin(), clusters[b].end());
    clusters.erase(clusters.begin() + ptrdiff_t(b));
  }
  std::vector<size_t> raw(voices.size());
  for (size_t c = 0; c < clusters.size(); ++c) {
    for (const size_t i : clusters[c]) raw[i] = c;
  }
  std::vector<size_t> names(clusters.size(), voices.size()), labels;
  size_t next = 0;
  for (const size_t c : raw) {
    if (names[c] == voices.size()) names[c] = next++;
    labels.push_back(names[c]);
  }
  return labels;
}

TEST(Cluster, ChainsFindWhatTheDefinitionFinds) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const auto voices = Around(3 + seed % 3, 40, 0.03f + 0.004f * float(seed), seed);
    for (const float distance : {0.2f, 0.55f, 0.8f}) {
      EXPECT_EQ(Cluster(voices, {.distance_max = distance}), Naive(voices, distance)) << seed;
    }
  }
}

TEST(Cluster, NoneAndOneAndALeastNumber) {
  EXPECT_TRUE(Cluster({}, {.distance_max = 1}).empty());
  EXPECT_EQ(Cluster(Around(1, 1, 0, 1), {.distance_max = 1}), std::vector<size_t>{0});
  const auto alike = Around(1, 12, 0.01f, 2);
  EXPECT_EQ(std::ranges::max(Cluster(alike, {.distance_max = 0.5f})), 0U);
  EXPECT_EQ(std::ranges::max(Cluster(alike, {.distance_max = 0.5f, .clusters_min = 4})), 3U);
}

TEST(Cluster, BlocksGiveTheSameSpeakers) {
  const auto voices = Around(6, 600, 0.03f, 3);
  const auto whole = Cluster(voices, {.distance_max = 0.55f});
  EXPECT_EQ(std::ranges::max(whole), 5U);
  EXPECT_EQ(Cluster(voices, {.distance_max = 0.55f, .block = 100}), whole);
}

}  // namespace
}  // namespace narralytica::speakers
