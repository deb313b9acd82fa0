// Pearson's chi-square test of uniformity.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>

namespace naru {

// How far the counts are from uniform, in standard deviations of the statistic:
// within 5 for a uniform source in all but one of millions of tries.
inline double deviations_from_uniform(std::span<const std::uint32_t> counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double expected = total / static_cast<double>(counts.size());
  double chi_square = 0;
  for (const std::uint32_t n : counts) chi_square += (n - expected) * (n - expected) / expected;
  const double freedom = static_cast<double>(counts.size() - 1);
  return std::abs(chi_square - freedom) / std::sqrt(2 * freedom);
}

}  // namespace naru
