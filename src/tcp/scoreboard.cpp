#include "tcp/scoreboard.hpp"

#include <algorithm>

#include "tcp/seq.hpp"

namespace naru::tcp {

std::uint32_t Scoreboard::add(std::uint32_t start, std::uint32_t end) {
  unsigned first = count;  // the ranges [first, last) touch the new one
  while (first > 0 && seq_ge(ranges[first - 1].end, start)) --first;
  unsigned last = first;
  std::uint32_t known = 0;
  while (last < count && seq_le(ranges[last].start, end)) {
    const Range& r = ranges[last++];
    const std::uint32_t from = seq_max(r.start, start);
    const std::uint32_t to = seq_min(r.end, end);
    if (seq_gt(to, from)) known += to - from;
  }
  const std::uint32_t news = end - start - known;
  if (first == last) {
    if (count == kMaxRanges) return 0;
    std::copy_backward(ranges + first, ranges + count, ranges + count + 1);
    ranges[first] = {start, end};
    ++count;
  } else {
    ranges[first] = {seq_min(ranges[first].start, start), seq_max(ranges[last - 1].end, end)};
    std::copy(ranges + last, ranges + count, ranges + first + 1);
    count -= last - first - 1;
  }
  sacked += news;
  return news;
}

void Scoreboard::drop_below(std::uint32_t una) {
  unsigned gone = 0;
  while (gone < count && seq_le(ranges[gone].end, una)) {
    sacked -= ranges[gone].end - ranges[gone].start;
    ++gone;
  }
  std::copy(ranges + gone, ranges + count, ranges);
  count -= gone;
  if (count != 0 && seq_lt(ranges[0].start, una)) {
    sacked -= una - ranges[0].start;
    ranges[0].start = una;
  }
}

std::uint32_t Scoreboard::lost_edge(std::uint32_t una, std::uint32_t smss) const {
  std::uint32_t above = 0;
  for (unsigned i = count; i-- > 0;) {
    above += ranges[i].end - ranges[i].start;
    if (count - i >= kDupThresh || above > (kDupThresh - 1) * smss) return ranges[i].start;
  }
  return una;
}

std::uint32_t Scoreboard::sacked_within(std::uint32_t start, std::uint32_t end) const {
  std::uint32_t sum = 0;
  for (unsigned i = 0; i < count && seq_lt(ranges[i].start, end); ++i) {
    const std::uint32_t from = seq_max(ranges[i].start, start);
    const std::uint32_t to = seq_min(ranges[i].end, end);
    if (seq_gt(to, from)) sum += to - from;
  }
  return sum;
}

Scoreboard::Range Scoreboard::hole_from(std::uint32_t seq, std::uint32_t limit) const {
  for (unsigned i = 0; i < count; ++i) {
    if (seq_le(ranges[i].end, seq)) continue;
    if (seq_gt(ranges[i].start, seq)) return {seq, seq_min(ranges[i].start, limit)};
    seq = ranges[i].end;
  }
  return {seq, seq_max(seq, limit)};
}

}  // namespace naru::tcp
