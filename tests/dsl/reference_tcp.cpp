#include "dsl/reference_tcp.hpp"

#include <algorithm>

#include "wire/tcp.hpp"

namespace naru::test {
namespace {

using enum TcpState;
using Answer = Outcome::Answer;

// One segment on its way through the steps; each may end it.
class Step {
 public:
  Step(const Tcb& tcb, const Arriving& segment) : t_(tcb), s_(segment) { out_.next = t_.state; }

  Outcome run() {
    switch (t_.state) {
      case closed:
        return no_connection();
      case listen:
        return in_listen();
      case syn_sent:
        return in_syn_sent();
      case time_wait:
        return in_time_wait();
      default:
        return otherwise();
    }
  }

 private:
  bool has(std::uint8_t flag) const { return (s_.flags & flag) != 0; }
  std::uint32_t seg_len() const {
    return s_.length + (has(wire::kSyn) ? 1 : 0) + (has(wire::kFin) ? 1 : 0);
  }
  // The signed distance from b to a.
  static std::int32_t from(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b);
  }
  bool in_window(std::uint32_t seq) const { return seq - t_.rcv_nxt < t_.rcv_wnd; }
  bool receives() const {
    return t_.state == established || t_.state == fin_wait_1 || t_.state == fin_wait_2;
  }

  Outcome silent() { return out_; }
  Outcome answer(Answer kind, std::uint32_t seq, std::uint32_t ack) {
    out_.answer = kind;
    out_.seq = seq;
    out_.ack = ack;
    return out_;
  }
  Outcome acknowledge() { return answer(Answer::ack, t_.snd_nxt, t_.rcv_nxt); }
  Outcome reset_by_ack() { return answer(Answer::reset, s_.ack, 0); }
  void become(TcpState state) {
    t_.state = out_.next = state;
    out_.changed = true;
  }

  // 3.10.7.1
  Outcome no_connection() {
    if (has(wire::kRst)) return silent();
    if (has(wire::kAck)) return reset_by_ack();
    return answer(Answer::reset_with_ack, 0, s_.seq + seg_len());
  }

  // 3.10.7.2
  Outcome in_listen() {
    if (has(wire::kRst)) return silent();
    if (has(wire::kAck)) return reset_by_ack();
    if (!has(wire::kSyn) || has(wire::kFin)) return silent();
    become(syn_received);
    return answer(Answer::syn_ack, 0, s_.seq + 1);
  }

  // 3.10.7.3
  Outcome in_syn_sent() {
    if (has(wire::kAck) && (from(s_.ack, 0) <= 0 || from(s_.ack, t_.snd_nxt) > 0)) {
      return has(wire::kRst) ? silent() : reset_by_ack();
    }
    if (has(wire::kRst)) {
      if (has(wire::kAck)) become(closed);
      return silent();
    }
    if (!has(wire::kSyn)) return silent();
    if (!has(wire::kAck)) {
      if (has(wire::kFin)) return silent();
      become(syn_received);
      return answer(Answer::syn_ack, 0, s_.seq + 1);
    }
    become(has(wire::kFin) ? close_wait : established);
    return answer(Answer::ack, t_.snd_nxt, s_.seq + seg_len());
  }

  // RFC 1337, RFC 6191
  Outcome in_time_wait() {
    if (has(wire::kRst)) return silent();
    const bool plain_syn = has(wire::kSyn) && !has(wire::kAck) && !has(wire::kFin);
    if (plain_syn && t_.listening && from(s_.seq, t_.rcv_nxt) > 0) {
      become(syn_received);
      return answer(Answer::syn_ack, 0, s_.seq + 1);
    }
    return seg_len() == 0 ? silent() : acknowledge();
  }

  // 3.10.7.4
  Outcome otherwise() {
    const bool own_syn = (s_.flags & (wire::kSyn | wire::kRst | wire::kAck)) == wire::kSyn &&
                         s_.seq == t_.rcv_nxt - 1;
    if (t_.state == syn_received && own_syn) return answer(Answer::syn_ack, 0, t_.rcv_nxt);
    if (t_.state == syn_received && crossing_syn_ack()) {
      s_.flags &= static_cast<std::uint8_t>(~wire::kSyn);
      ++s_.seq;
    }
    if (!acceptable()) return has(wire::kRst) ? silent() : acknowledge();
    if (has(wire::kRst)) {
      if (s_.seq != t_.rcv_nxt) return acknowledge();
      become(closed);
      return silent();
    }
    if (has(wire::kSyn)) return acknowledge();
    if (!has(wire::kAck)) return silent();
    return with_ack();
  }

  // Figure 7 of RFC 9293 3.5: both ends of a simultaneous open answer with a SYN-ACK.
  bool crossing_syn_ack() const {
    return (s_.flags & (wire::kSyn | wire::kRst | wire::kAck)) == (wire::kSyn | wire::kAck) &&
           s_.seq == t_.rcv_nxt - 1 && s_.ack == t_.snd_nxt;
  }

  bool acceptable() const {
    if (t_.rcv_wnd == 0) return seg_len() == 0 && s_.seq == t_.rcv_nxt;
    if (in_window(s_.seq)) return true;
    return seg_len() != 0 && in_window(s_.seq + seg_len() - 1);
  }

  // Fifth.
  Outcome with_ack() {
    if (t_.state == syn_received) {
      if (from(s_.ack, t_.snd_una) <= 0 || from(s_.ack, t_.snd_nxt) > 0) return reset_by_ack();
      become(established);
    } else {
      const bool too_old = from(t_.snd_una, s_.ack) > from(t_.max_wnd, 0) || from(s_.ack, 0) <= 0;
      if (from(s_.ack, t_.snd_nxt) > 0 || too_old) return acknowledge();
    }
    if (s_.ack == t_.snd_nxt && t_.snd_una != t_.snd_nxt) {
      if (t_.state == fin_wait_1) become(fin_wait_2);
      if (t_.state == closing) become(time_wait);
      if (t_.state == last_ack) become(closed);
    }
    if (t_.state == time_wait || t_.state == closed) return silent();
    return with_text();
  }

  // Seventh and eighth.
  Outcome with_text() {
    if (seg_len() == 0) return silent();
    if (!receives()) return acknowledge();
    out_.changed = true;
    const std::uint32_t start = s_.seq;
    std::uint32_t end = start + s_.length;
    const std::uint32_t right = t_.rcv_nxt + t_.rcv_wnd;
    const bool cut = from(end, right) > 0;
    if (cut) end = right;
    if (from(start, t_.rcv_nxt) > 0) return acknowledge();  // kept, behind a hole
    t_.rcv_nxt = end;
    if (has(wire::kFin) && !cut) {
      t_.rcv_nxt += 1;
      const TcpState after_fin = t_.state == established  ? close_wait
                                 : t_.state == fin_wait_1 ? closing
                                                          : time_wait;
      become(after_fin);
    }
    return acknowledge();
  }

  Tcb t_;
  Arriving s_;
  Outcome out_;
};

}  // namespace

Outcome react(const Tcb& tcb, const Arriving& segment) { return Step(tcb, segment).run(); }

}  // namespace naru::test
