#include "index/vector_scan.hpp"

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/result.hpp"

namespace narralytica::index {
namespace {

constexpr int32_t kQueryLargest = 8191;

int32_t DotPortable(const int16_t* query, const int8_t* row, size_t dimension) {
  int32_t sum = 0;
  for (size_t i = 0; i < dimension; ++i) sum += int32_t{query[i]} * int32_t{row[i]};
  return sum;
}

__attribute__((target("avx2"))) inline __m256i Products(const int16_t* query, const int8_t* row) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
  const __m256i values = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(query));
  return _mm256_madd_epi16(_mm256_cvtepi8_epi16(bytes), values);
}

__attribute__((target("avx2"))) int32_t DotAvx2(const int16_t* query, const int8_t* row,
                                                size_t dimension) {
  constexpr size_t kStep = 16;
  __m256i even = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 2 * kStep <= dimension; i += 2 * kStep) {
    even = _mm256_add_epi32(even, Products(query + i, row + i));
    odd = _mm256_add_epi32(odd, Products(query + i + kStep, row + i + kStep));
  }
  if (i + kStep <= dimension) {
    even = _mm256_add_epi32(even, Products(query + i, row + i));
    i += kStep;
  }
  const __m256i all = _mm256_add_epi32(even, odd);
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
  return _mm_cvtsi128_si32(four) + DotPortable(query + i, row + i, dimension - i);
}

// How far ahead, in bytes, the scan asks for memory: a little over what the hardware prefetcher
// keeps in flight, which makes the scan memory-bound instead of latency-bound.
constexpr size_t kPrefetchBytes = 4096;
constexpr size_t kCacheLineBytes = 64;

__attribute__((target("avx2"))) void ScoreAvx2(const ScanQuery& query, const ScanRows& rows,
                                               std::span<float> scores) {
  const size_t dimension = query.values.size();
  const int8_t* row = rows.values;
  for (size_t i = 0; i < scores.size(); ++i, row += dimension) {
    for (size_t line = 0; line < dimension; line += kCacheLineBytes) {
      _mm_prefetch(row + kPrefetchBytes + line, _MM_HINT_T0);
    }
    const int32_t dot = DotAvx2(query.values.data(), row, dimension);
    scores[i] = static_cast<float>(dot) * (rows.scales[i] * query.scale);
  }
}

void ScorePortable(const ScanQuery& query, const ScanRows& rows, std::span<float> scores) {
  const size_t dimension = query.values.size();
  const int8_t* row = rows.values;
  for (size_t i = 0; i < scores.size(); ++i, row += dimension) {
    const int32_t dot = DotPortable(query.values.data(), row, dimension);
    scores[i] = static_cast<float>(dot) * (rows.scales[i] * query.scale);
  }
}

}  // namespace

ScanQuery QuantizeQuery(std::span<const float> vector) {
  float largest = 0;
  for (const float value : vector) largest = std::max(largest, std::fabs(value));
  NRL_ASSERT(std::isfinite(largest));
  const auto dimension = static_cast<int64_t>(std::max<size_t>(vector.size(), 1));
  const int64_t no_overflow = std::numeric_limits<int32_t>::max() / (127 * dimension);
  const auto limit = static_cast<float>(std::min<int64_t>(kQueryLargest, no_overflow));
  ScanQuery query;
  query.scale = largest / limit;
  query.values.reserve(vector.size());
  for (const float value : vector) {
    const float scaled = query.scale > 0 ? std::nearbyint(value / query.scale) : 0;
    query.values.push_back(static_cast<int16_t>(std::clamp(scaled, -limit, limit)));
  }
  return query;
}

ScanKernel BestKernel() {
  static const ScanKernel best =
      __builtin_cpu_supports("avx2") ? ScanKernel::kAvx2 : ScanKernel::kPortable;
  return best;
}

void ScoreRowsWith(ScanKernel kernel, const ScanQuery& query, const ScanRows& rows,
                   std::span<float> scores) {
  NRL_ASSERT(scores.size() == rows.scales.size());
  if (kernel == ScanKernel::kAvx2) return ScoreAvx2(query, rows, scores);
  ScorePortable(query, rows, scores);
}

void ScoreRows(const ScanQuery& query, const ScanRows& rows, std::span<float> scores) {
  ScoreRowsWith(BestKernel(), query, rows, scores);
}

}  // namespace narralytica::index
