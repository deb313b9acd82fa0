#include "tcp/urgent.hpp"

#include <algorithm>

#include "tcp/lifecycle.hpp"
#include "tcp/seq.hpp"

namespace naru::tcp {
namespace {

// The sequence number of the next byte that recv() looks at.
std::uint32_t position(const Connection& c, const Flow& f) {
  return c.rcv.nxt - (c.has(kFinReceived) ? 1U : 0U) - f.receive.size();
}

}  // namespace

void take_urgent(Tcp& t, Connection& c, const Segment& s, std::uint32_t seq) {
  if (!can_receive_data(c.state) || s.urgent_pointer == 0) return;
  const std::uint32_t up = seq + s.urgent_pointer - 1;
  if (seq_lt(up, c.rcv.nxt)) return;
  Flow* f = take_flow(t, c);
  if (f == nullptr || (f->urgent != Urgent::none && seq_le(up, f->rcv_up))) return;
  f->urgent = Urgent::announced;
  f->rcv_up = up;
  notify(t, c);
}

void catch_urgent_byte(Tcp& t, Connection& c, Flow& f, std::uint32_t seq, Bytes payload) {
  if (f.urgent != Urgent::announced || f.rcv_up - seq >= payload.size()) return;
  f.urgent_byte = payload[f.rcv_up - seq];
  f.urgent = Urgent::arrived;
  notify(t, c);
}

bool at_mark(const Connection& c, const Flow& f) {
  return f.urgent != Urgent::none && f.rcv_up == position(c, f);
}

std::uint32_t hidden(const Connection& c, const Flow& f) {
  return at_mark(c, f) && !c.has(kOobInline) && !f.receive.empty() ? 1 : 0;
}

std::uint32_t readable_to_mark(const Connection& c, const Flow& f) {
  const std::uint32_t size = f.receive.size();
  const std::uint32_t to_mark = f.rcv_up - position(c, f);
  return to_mark == 0 ? size - hidden(c, f) : std::min(size, to_mark);
}

void leave_mark(Tcp& t, Connection& c, Flow& f) {
  if (hidden(c, f) == 0) return;
  f.receive.drop(*t.packets, 1);
  f.urgent = Urgent::none;
  settle(t, c);
}

void pass_mark(const Connection& c, Flow& f) {
  if (seq_gt(position(c, f), f.rcv_up)) f.urgent = Urgent::none;
}

Result<std::size_t> recv_urgent(const Connection& c, Flow* f, MutableBytes out, unsigned flags) {
  if (f == nullptr || c.has(kOobInline)) return std::unexpected(Error::invalid);
  switch (f->urgent) {
    case Urgent::none:
    case Urgent::read:
      return std::unexpected(Error::invalid);
    case Urgent::announced:
      if (c.has(kFinReceived) || c.has(kShutReceive)) return 0;
      return std::unexpected(Error::would_block);
    case Urgent::arrived:
      break;
  }
  if (out.empty()) return 0;
  out[0] = f->urgent_byte;
  if ((flags & msg::kPeek) == 0) f->urgent = Urgent::read;
  return 1;
}

bool is_urgent(const Connection& c, const Flow& f) {
  return f.urgent == Urgent::arrived || (f.urgent == Urgent::announced && !c.has(kFinReceived));
}

}  // namespace naru::tcp
