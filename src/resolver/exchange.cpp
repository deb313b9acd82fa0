#include "resolver/exchange.hpp"

#include <algorithm>
#include <cerrno>
#include <netinet/in.h>

#include <naru/socket/errno.hpp>

#include "socket/linux_address.hpp"

namespace naru::resolver {
namespace {

// c-ares has no clock but the machine's: its patience outlasts ours by far.
constexpr int kNoTimeout = 86'400'000;  // ms

constexpr std::uint16_t kFirstPort = 1024;
constexpr int kPortTries = 16;

// Letters of random case (draft-vixie-dnsext-dns0x20): bits more that a forger must guess.
// Lengths of labels are no letters.
void mix_case(MutableBytes name, Random& random) {
  for (std::size_t i = 0; i < name.size(); i += 1U + name[i]) {
    for (std::uint8_t& c : name.subspan(i + 1, name[i])) {
      const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (is_letter && (random.next_u32() & 1U) != 0) c ^= 0x20U;
    }
  }
}

}  // namespace

// The functions that c-ares calls in place of socket(2) and its kin.
struct Exchange::Carrier {
  static const ares_socket_functions functions;

  static int fail(Error error) {
    errno = to_errno(error);
    return -1;
  }

  static ares_socket_t open(int family, int type, int, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (type != SOCK_DGRAM || exchange.socket_ != kNone) return fail(Error::no_buffers);
    const auto number = exchange.network_.open(Network::Kind::datagram, family == AF_INET6);
    if (!number) return fail(number.error());
    exchange.socket_ = *number;
    return *number;
  }

  static int close(ares_socket_t number, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    exchange.socket_ = kNone;
    exchange.network_.close(number);
    return 0;
  }

  static int connect(ares_socket_t number, const sockaddr* address, ares_socklen_t length,
                     void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const auto remote = to_endpoint(address, length);
    if (!remote) return fail(Error::address_family);
    const Status bound = exchange.bind_at_random(number, remote->addr);
    if (!bound) return fail(bound.error());
    const Status connected = exchange.network_.connect(number, *remote);
    return connected ? 0 : fail(connected.error());
  }

  static ares_ssize_t receive(ares_socket_t number, void* data, size_t size, int, sockaddr* from,
                              ares_socklen_t* length, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    const MutableBytes out(static_cast<std::uint8_t*>(data), size);
    for (;;) {
      const auto got = exchange.network_.recv(number, out);
      // An ICMP error says nothing that a forger could not say, so it ends no wait.
      if (!got) return fail(Error::would_block);
      if (!exchange.is_answer(out.first(*got))) continue;
      // The socket is connected, so it hears of nobody else.
      const Endpoint& server = exchange.server_;
      from_endpoint(server, server.addr.is_v4() ? AF_INET : AF_INET6, from, length);
      return static_cast<ares_ssize_t>(*got);
    }
  }

  // c-ares gives one part: a message.
  static ares_ssize_t send(ares_socket_t number, const iovec* parts, int count, void* self) {
    auto& exchange = *static_cast<Exchange*>(self);
    if (count != 1) return fail(Error::invalid);
    const Bytes message(static_cast<const std::uint8_t*>(parts->iov_base), parts->iov_len);
    exchange.on_query(message);
    const auto sent = exchange.network_.send(number, message);
    return sent ? static_cast<ares_ssize_t>(*sent) : fail(sent.error());
  }
};

const ares_socket_functions Exchange::Carrier::functions = {open, close, connect, receive, send};

Exchange::Exchange(Network& network, Random& random, Streams& streams, const Endpoint& server,
                   const wire::DnsQuestion& question, Manner manner, Request request)
    : network_(network), random_(random), streams_(streams), server_(server) {
  const bool has_edns = manner != Manner::plain;
  if (!make_channel(manner) || !set_server()) {
    state_ = State::failed;
    return;
  }
  const wire::DnsHeader header{.id = static_cast<std::uint16_t>(random.next_u32()),
                               .recursion_desired = request == Request::recursive};
  std::array<std::uint8_t, wire::kMaxDnsQuery> query{};
  const std::size_t size =
      wire::emit_query(header, question, has_edns ? wire::kDnsUdpPayload : 0, query);
  if (manner == Manner::modern) {
    mix_case(MutableBytes(query).subspan(wire::DnsHeader::kSize, question.name.wire().size() - 1),
             random);
  }
  const auto on_answer = [](void* self, int status, int, unsigned char* message, int length) {
    static_cast<Exchange*>(self)->on_end(
        status, message == nullptr ? Bytes() : Bytes(message, static_cast<std::size_t>(length)));
  };
  ares_send(channel_, query.data(), static_cast<int>(size), on_answer, this);
}

Exchange::~Exchange() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

// Everything is said here, so that c-ares looks for no files and no environment.
bool Exchange::make_channel(Manner manner) {
  char lookups[] = "b";
  ares_options options{};
  // Without the flag it takes no answer over UDP that is longer than 512 bytes.
  options.flags =
      ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC;
  if (manner != Manner::plain) options.flags |= ARES_FLAG_EDNS;
  options.ednspsz = wire::kDnsUdpPayload;
  options.timeout = kNoTimeout;
  options.tries = 1;
  options.ndots = 1;
  options.lookups = lookups;
  in_addr server{};
  options.servers = &server;
  options.nservers = 1;
  constexpr int kSet = ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                       ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
                       ARES_OPT_SORTLIST;
  if (ares_init_options(&channel_, &options, kSet) != ARES_SUCCESS) return false;
  ares_set_socket_functions(channel_, &Carrier::functions, this);
  return true;
}

bool Exchange::set_server() {
  ares_addr_port_node node{};
  node.udp_port = node.tcp_port = server_.port;
  if (server_.addr.is_v4()) {
    node.family = AF_INET;
    node.addr.addr4.s_addr = htonl(server_.addr.to_v4());
  } else {
    node.family = AF_INET6;
    std::ranges::copy(server_.addr.bytes(), reinterpret_cast<std::uint8_t*>(&node.addr.addr6));
  }
  return ares_set_servers_ports(channel_, &node) == ARES_SUCCESS;
}

// Of nearly all ports, not only of those that connections use (RFC 5452 9.2).
Status Exchange::bind_at_random(int socket, const IpAddr& remote) {
  const IpAddr any = remote.is_v4() ? IpAddr::any_v4() : IpAddr::any_v6();
  for (int i = 0; i < kPortTries; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirstPort + random_.below(0x10000 - kFirstPort));
    const Status bound = network_.bind(socket, {any, port});
    if (bound || bound.error() != Error::address_in_use) return bound;
  }
  return network_.bind(socket, {any, 0});
}

void Exchange::poll() {
  if (!over_tcp_ && socket_ != kNone) {
    ares_process_fd(channel_, network_.readiness(socket_) != 0 ? socket_ : ARES_SOCKET_BAD,
                    ARES_SOCKET_BAD);
    if (state_ != State::waiting) return;
    if (is_truncated_ || forgeries_ >= kForgeries) turn_to_stream();
  }
  if (!over_tcp_ || over_tcp_->state == StreamQuestion::State::waiting) return;
  if (over_tcp_->state == StreamQuestion::State::answered) {
    std::ranges::copy(Bytes(over_tcp_->message).first(2), query_.begin());
    take(over_tcp_->answer);
  } else {
    state_ = State::failed;
  }
}

// What comes over UDP from now on is not looked at.
void Exchange::turn_to_stream() {
  over_tcp_ = streams_.ask(server_, Bytes(query_).first(query_size_));
}

// What c-ares sends it may have shortened: the answer is measured against this.
void Exchange::on_query(Bytes message) {
  query_size_ = std::min(message.size(), query_.size());
  std::copy_n(message.begin(), query_size_, query_.begin());
}

bool Exchange::is_answer(Bytes message) {
  const auto view = wire::DnsMessageView::parse(message);
  if (!view) return false;
  if (view->header().id != load_be16(query_.data())) ++forgeries_;
  if (forgeries_ >= kForgeries) return false;
  return wire::answers(*view, Bytes(query_).first(query_size_));
}

void Exchange::take(Bytes message) {
  state_ = State::failed;
  message_.assign(message.begin(), message.end());
  answer_ = wire::DnsMessageView::parse(message_);
  if (answer_ && wire::answers(*answer_, Bytes(query_).first(query_size_))) {
    state_ = State::answered;
  }
}

void Exchange::on_end(int status, Bytes message) {
  const auto header = wire::DnsHeader::parse(message);
  if (status != ARES_SUCCESS || !header) {
    state_ = State::failed;
  } else if (header->is_truncated) {
    is_truncated_ = true;
  } else {
    take(message);
  }
}

bool Exchange::was_plain() const {
  const auto header = wire::DnsHeader::parse(Bytes(query_).first(query_size_));
  return header && header->additionals == 0;
}

}  // namespace naru::resolver
