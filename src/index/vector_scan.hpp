// Exact search over int8 vectors: integer dot products, so that every processor gives the same
// bits.
//
// The stored side has 8 bits and one scale per vector, the query side up to 14 bits and one scale,
// fewer where the dimension is so large that a sum could pass 32 bits. On a processor with AVX2
// sixteen components are multiplied at a time; a scan of 1 M x 384 is bound by memory.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace narralytica::index {

struct ScanQuery {
  std::vector<int16_t> values;
  float scale = 0;  // component = value * scale
};

// Quantises a query vector (finite floats).
ScanQuery QuantizeQuery(std::span<const float> vector);

// Stored vectors in memory: `values` holds scales.size() rows of the query's dimension.
struct ScanRows {
  std::span<const float> scales;
  const int8_t* values = nullptr;
};

// scores[i] = dot product of the query and row i. Runs the fastest kernel of this processor.
void ScoreRows(const ScanQuery& query, const ScanRows& rows, std::span<float> scores);

enum class ScanKernel : uint8_t { kPortable, kAvx2 };
ScanKernel BestKernel();
// The same with a named kernel, which the processor must have.
void ScoreRowsWith(ScanKernel kernel, const ScanQuery& query, const ScanRows& rows,
                   std::span<float> scores);

}  // namespace narralytica::index
