#include "index/vectors.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "index/vector_scan.hpp"

namespace narralytica::index {
namespace {

std::vector<float> RandomUnit(std::mt19937& random, size_t dimension) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(dimension);
  float norm = 0;
  for (float& value : vector) {
    value = normal(random);
    norm += value * value;
  }
  for (float& value : vector) value /= std::sqrt(norm);
  return vector;
}

VideoVectors Sample(size_t count, uint32_t dimension = 384) {
  std::mt19937 random(7);
  VideoVectors vectors{"e5-small", std::string(64, 'a'), dimension, {}, {}};
  for (size_t i = 0; i < count; ++i) AppendQuantized(RandomUnit(random, dimension), vectors);
  return vectors;
}

TEST(Vectors, EncodingRoundTrips) {
  for (const size_t count : {0u, 1u, 57u}) {
    const VideoVectors vectors = Sample(count);
    const auto decoded = DecodeVectors(EncodeVectors(vectors));
    ASSERT_TRUE(decoded) << decoded.error().Describe();
    EXPECT_EQ(*decoded, vectors);
  }
}

TEST(Vectors, EveryFlippedByteAndEveryCutIsFound) {
  const std::string good = EncodeVectors(Sample(2, 16));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const auto decoded = DecodeVectors(bad);
    ASSERT_FALSE(decoded) << "byte " << i;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_FALSE(DecodeVectors(std::string_view(good).substr(0, i)));
  }
  EXPECT_FALSE(DecodeVectors(good + "x"));
}

TEST(Vectors, QuantisingKeepsTheDotProduct) {
  std::mt19937 random(11);
  const VideoVectors vectors = Sample(50);
  const auto query = RandomUnit(random, 384);
  std::mt19937 again(7);
  std::vector<float> scores(vectors.size());
  ScoreRows(QuantizeQuery(query), {vectors.scales, vectors.values.data()}, scores);
  for (size_t i = 0; i < vectors.size(); ++i) {
    const auto original = RandomUnit(again, 384);
    float exact = 0;
    for (size_t k = 0; k < original.size(); ++k) exact += original[k] * query[k];
    EXPECT_NEAR(scores[i], exact, .005f);
  }
}

TEST(Vectors, AZeroVectorStaysZero) {
  VideoVectors vectors{"m", std::string(64, '0'), 4, {}, {}};
  AppendQuantized(std::vector<float>(4, 0.0f), vectors);
  EXPECT_EQ(vectors.scales[0], 0.0f);
  float score = 1;
  ScoreRows(QuantizeQuery(std::vector<float>{1, 0, 0, 0}), {vectors.scales, vectors.values.data()},
            std::span(&score, 1));
  EXPECT_EQ(score, 0.0f);
}

TEST(VectorScan, KernelsAgreeBitForBit) {
  if (BestKernel() == ScanKernel::kPortable) GTEST_SKIP() << "this processor has no AVX2";
  std::mt19937 random(3);
  for (const uint32_t dimension : {1u, 15u, 16u, 31u, 32u, 48u, 384u, 400u, 1001u}) {
    VideoVectors vectors{"m", std::string(64, '0'), dimension, {}, {}};
    for (int i = 0; i < 33; ++i) AppendQuantized(RandomUnit(random, dimension), vectors);
    const ScanQuery query = QuantizeQuery(RandomUnit(random, dimension));
    std::vector<float> portable(vectors.size());
    std::vector<float> avx2(vectors.size());
    const ScanRows rows{vectors.scales, vectors.values.data()};
    ScoreRowsWith(ScanKernel::kPortable, query, rows, portable);
    ScoreRowsWith(ScanKernel::kAvx2, query, rows, avx2);
    EXPECT_EQ(portable, avx2) << "dimension " << dimension;
  }
}

TEST(VectorScan, TheLargestSumsDoNotOverflow) {
  for (const uint32_t dimension : {384u, kVectorDimensionMax}) {
    VideoVectors vectors{"m", std::string(64, '0'), dimension, {}, {}};
    AppendQuantized(std::vector<float>(dimension, -1.0f), vectors);
    const ScanQuery query = QuantizeQuery(std::vector<float>(dimension, 1.0f));
    float score = 0;
    ScoreRows(query, {vectors.scales, vectors.values.data()}, std::span(&score, 1));
    EXPECT_NEAR(score, -static_cast<float>(dimension), .001f * static_cast<float>(dimension));
  }
}

TEST(Vectors, RefusesWhatDisagrees) {
  VideoVectors vectors = Sample(2, 8);
  EXPECT_TRUE(Validate(vectors));
  vectors.values.pop_back();
  EXPECT_FALSE(Validate(vectors));
  vectors = Sample(2, 8);
  vectors.model_hash = "short";
  EXPECT_FALSE(Validate(vectors));
  vectors = Sample(2, 8);
  vectors.scales[1] = std::nanf("");
  EXPECT_FALSE(Validate(vectors));
}

}  // namespace
}  // namespace narralytica::index
