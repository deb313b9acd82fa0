#include "dsl/states.hpp"

#include <cmath>

namespace naru::test {
namespace {

constexpr std::array<std::string_view, 11> kNames{
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};
constexpr std::array<std::string_view, 11> kWords{
    "Closed",   "Listen",    "SynSent", "SynReceived", "Established", "FinWait1",
    "FinWait2", "CloseWait", "Closing", "LastAck",     "TimeWait"};

Socket open_actively(Peer& peer) {
  Socket socket = peer.wire().tcp_socket();
  if (peer.host_is_bound) {
    Socket::must(socket.set(SocketOption::reuse_address, 1));
    Socket::must(socket.bind({Wire::kHost, kBoundPort}));
  }
  const Status status = socket.connect(peer.endpoint());
  if (status || status.error() != Error::in_progress) {
    fail(Where::current(), "connect did not start");
  }
  peer.expect(tcp().syn().seq(0));
  return socket;
}

// Up to SYN-RECEIVED; the socket of an active open, no socket of a passive one.
Socket shake_hands_halfway(Peer& peer, Open open, Segment& options) {
  if (open == Open::active) {
    Socket socket = open_actively(peer);
    peer.inject(options.syn());
    peer.expect(tcp().syn().ack(1));
    return socket;
  }
  peer.wire().listener(peer.host_port());
  peer.inject(options.syn());
  peer.expect(tcp().syn().ack(1).seq(0));
  return {};
}

void finish_by_host(Peer& peer, Socket& socket) {
  Socket::must(socket.shutdown(Shutdown::send));
  peer.expect(tcp().fin().ack());
}

void finish_by_peer(Peer& peer, const Segment& fin) {
  peer.inject(fin);
  peer.expect(tcp().ack(peer.snd_nxt()).length(0));
}

// From ESTABLISHED on.
void move_to(Peer& peer, Socket& socket, TcpState state) {
  switch (state) {
    case TcpState::fin_wait_1:
      return finish_by_host(peer, socket);
    case TcpState::fin_wait_2:
      finish_by_host(peer, socket);
      return peer.inject(tcp().ack());
    case TcpState::close_wait:
      return finish_by_peer(peer, tcp().fin().ack());
    case TcpState::closing:
      finish_by_host(peer, socket);
      // The peer's FIN crosses the host's: it does not acknowledge it.
      return finish_by_peer(peer, tcp().fin().ack(peer.rcv_nxt() - 1));
    case TcpState::last_ack:
      finish_by_peer(peer, tcp().fin().ack());
      return finish_by_host(peer, socket);
    case TcpState::time_wait:
      finish_by_host(peer, socket);
      peer.inject(tcp().ack());
      return finish_by_peer(peer, tcp().fin().ack());
    default:
      return;
  }
}

}  // namespace

std::string_view name_of(TcpState state) { return kNames[static_cast<std::size_t>(state)]; }
std::string_view word_of(TcpState state) { return kWords[static_cast<std::size_t>(state)]; }
std::string_view name_of(Open open) { return open == Open::passive ? "Passive" : "Active"; }

Socket establish(Peer& peer, Open open, Segment options) {
  if (open == Open::active) {
    Socket socket = open_actively(peer);
    peer.inject(options.syn().ack());
    peer.expect(tcp().ack(1).seq(1).length(0));
    return socket;
  }
  shake_hands_halfway(peer, open, options);
  peer.inject(tcp().ack());
  return peer.wire().listener(peer.host_port()).accept();
}

Socket reach(Peer& peer, TcpState state, Open open, Segment options) {
  switch (state) {
    case TcpState::closed:
      return peer.wire().tcp_socket();
    case TcpState::listen:
      return peer.wire().listener(peer.host_port());
    case TcpState::syn_sent:
      return open_actively(peer);
    case TcpState::syn_received:
      return shake_hands_halfway(peer, open, options);
    default: {
      Socket socket = establish(peer, open, options);
      move_to(peer, socket, state);
      return socket;
    }
  }
}

TcpState state_of(Wire& wire, const Socket& socket) {
  if (!socket) return TcpState::closed;
  const Result<TcpInfo> info = wire.stack().tcp_info(socket.id());
  return info ? info->state : TcpState::closed;
}

namespace {

// The initial sequence number that the host would use now, learned from an
// attempt that is taken back.
std::uint32_t probe_iss(Peer& peer, Open open) {
  if (open == Open::active) {
    Socket socket = open_actively(peer);
    Socket::must(socket.abort());
  } else {
    peer.wire().listener(peer.host_port());
    peer.inject(plain_syn().syn());
    peer.expect(tcp().syn().ack(1));
    peer.inject(tcp().rst().seq(1));
  }
  const std::uint32_t iss = peer.irs();
  peer.drain();
  peer.restart(peer.port(), peer.host_port());
  return iss;
}

}  // namespace

void aim_iss(Peer& peer, Open open, std::uint32_t target) {
  Wire& wire = peer.wire();
  peer.host_is_bound = true;
  constexpr Duration kStep = 4s;
  const std::uint32_t first = probe_iss(peer, open);
  wire.advance(kStep);
  std::uint32_t reached = probe_iss(peer, open);
  // The clock's part advances by this much a nanosecond.
  const double rate = double(reached - first) / double(kStep.count());
  for (int tries = 0; tries < 5 && reached - target + 64 > 128; ++tries) {
    wire.advance(Duration(std::llround(double(target - reached) / rate)));
    reached = probe_iss(peer, open);
  }
  // The listener of the tests to come is made with their options.
  if (open == Open::passive) wire.close_listener(peer.host_port());
  if (reached - target + 64 > 128) fail(Where::current(), "the clock does not lead to this ISS");
}

}  // namespace naru::test
