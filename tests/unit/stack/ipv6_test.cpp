// Sockets over IPv6, between two hosts.
#include <vector>

#include "dsl/bytes.hpp"
#include "dsl/checks.hpp"
#include "two_hosts.hpp"

namespace naru::test {
namespace {

IpAddr addr(std::string_view text) { return IpAddr::parse(text).value(); }

class Ipv6 : public TwoHosts {
 protected:
  Ipv6() {
    EXPECT_TRUE(a->add_address(1, *Prefix::parse("2001:db8::1/64")));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("2001:db8::2/64")));
  }

  SocketId listen(Stack& on, const Endpoint& local) {
    const SocketId listener = on.open_tcp().value();
    EXPECT_TRUE(on.bind(listener, local));
    EXPECT_TRUE(on.listen(listener, 4));
    return listener;
  }
  // What comes from `from` at `to` when `data` was sent, in pieces as the buffers allow.
  Buffer carry(Stack& from, SocketId out, Stack& to, SocketId in, const Buffer& data) {
    Buffer got;
    std::size_t sent = 0;
    while (got.size() < data.size()) {
      if (const auto n = from.send(out, Bytes(data).subspan(sent)); n) sent += *n;
      settle();
      Buffer piece(65'536);
      const auto n = to.recv(in, piece);
      if (!n && sent == data.size()) advance(1ms);
      got.insert(got.end(), piece.begin(), piece.begin() + static_cast<long>(n.value_or(0)));
    }
    return got;
  }
  static IpAddr link_local(Stack& of) {
    // The one that the peer sees as the source of what goes to its link-local groups.
    const SocketId socket = of.open_udp().value();
    EXPECT_TRUE(of.connect(socket, {addr("fe80::99%1"), 9}));
    const IpAddr found = of.local(socket)->addr;
    EXPECT_TRUE(of.close(socket));
    return found;
  }
};

TEST_F(Ipv6, TcpCarriesAStreamBothWays) {
  NARU_CHECKS("IP6-001", "IC6-018");
  const SocketId listener = listen(b.stack(), {addr("2001:db8::2"), 80});
  const SocketId client = a->open_tcp().value();
  EXPECT_EQ(a->connect(client, {addr("2001:db8::2"), 80}).error(), Error::in_progress);
  settle();
  const auto accepted = b->accept(listener);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer.addr, addr("2001:db8::1"));
  const Buffer data = stream(0, 300'000);
  EXPECT_EQ(carry(a.stack(), client, b.stack(), accepted->socket, data), data);
  EXPECT_EQ(carry(b.stack(), accepted->socket, a.stack(), client, data), data);
  EXPECT_EQ(a->counters().get(Drop::tcp_bad_checksum), 0U);
}

TEST_F(Ipv6, SegmentsFillTheMtu) {
  const SocketId listener = listen(b.stack(), {addr("2001:db8::2"), 80});
  const SocketId client = a->open_tcp().value();
  (void)a->connect(client, {addr("2001:db8::2"), 80});
  settle();
  ASSERT_TRUE(b->accept(listener));
  EXPECT_EQ(a->option(client, SocketOption::max_segment), 1500 - 40 - 20 - 12);
}

TEST_F(Ipv6, TcpIsRefusedWhereNobodyListens) {
  const SocketId client = a->open_tcp().value();
  (void)a->connect(client, {addr("2001:db8::2"), 81});
  settle();
  EXPECT_EQ(a->take_error(client), Error::refused);
}

TEST_F(Ipv6, DatagramsComeWithTheirAddresses) {
  const SocketId server = b->open_udp().value();
  ASSERT_TRUE(b->bind(server, {addr("2001:db8::2"), 53}));
  const SocketId client = a->open_udp().value();
  ASSERT_TRUE(a->send_to(client, stream(0, 1000), {addr("2001:db8::2"), 53}));
  settle();
  Buffer got(2000);
  DatagramInfo info;
  ASSERT_EQ(b->recv_from(server, got, info), 1000U);
  EXPECT_EQ(info.source.addr, addr("2001:db8::1"));
  EXPECT_EQ(info.destination, addr("2001:db8::2"));
  EXPECT_EQ(info.ttl, 64);
  ASSERT_TRUE(b->send_to(server, stream(0, 10), info.source));
  settle();
  EXPECT_EQ(a->recv_from(client, got, info), 10U);
}

TEST_F(Ipv6, ADatagramForNobodyIsAnsweredByPortUnreachable) {
  NARU_CHECKS("IC6-006");
  const SocketId client = a->open_udp().value();
  ASSERT_TRUE(a->connect(client, {addr("2001:db8::2"), 9}));
  ASSERT_TRUE(a->send(client, stream(0, 10)));
  settle();
  EXPECT_EQ(a->take_error(client), Error::refused);
}

TEST_F(Ipv6, ANeighbourThatIsNotThereIsUnreachable) {
  NARU_CHECKS("IC6-018");
  const SocketId client = a->open_tcp().value();
  (void)a->connect(client, {addr("2001:db8::77"), 80});
  settle();
  advance(2900ms);
  EXPECT_EQ(a->take_error(client), Error::none);
  advance(200ms);
  EXPECT_EQ(a->take_error(client), Error::host_unreachable);
  EXPECT_EQ(a->counters().get(Counter::ndp_solicitations_out), 3U);
}

TEST_F(Ipv6, TheHostReachesItself) {
  for (const char* self : {"::1", "2001:db8::1", "::"}) {
    const SocketId listener = listen(a.stack(), {addr(self), 80});
    const SocketId client = a->open_tcp().value();
    (void)a->connect(client, {addr(self), 80});
    settle();
    const auto accepted = a->accept(listener);
    ASSERT_TRUE(accepted) << self;
    const Buffer data = stream(0, 100'000);
    EXPECT_EQ(carry(a.stack(), client, a.stack(), accepted->socket, data), data) << self;
    for (const SocketId s : {client, accepted->socket, listener}) EXPECT_TRUE(a->abort(s));
  }
}

TEST_F(Ipv6, LinkLocalAddressesNeedTheirZone) {
  NARU_CHECKS("IP6-006");
  const IpAddr peer = link_local(b.stack());
  EXPECT_EQ(peer.zone(), 1);
  const SocketId listener = listen(b.stack(), {peer, 80});
  const SocketId lost = a->open_tcp().value();
  EXPECT_EQ(a->connect(lost, {peer.without_zone(), 80}).error(), Error::network_unreachable);
  const SocketId client = a->open_tcp().value();
  EXPECT_EQ(a->connect(client, {peer, 80}).error(), Error::in_progress);
  settle();
  const auto accepted = b->accept(listener);
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer.addr, link_local(a.stack()));
  const Buffer data = stream(0, 50'000);
  EXPECT_EQ(carry(a.stack(), client, b.stack(), accepted->socket, data), data);
}

TEST_F(Ipv6, TheHostReachesItsOwnLinkLocalAddress) {
  const IpAddr self = link_local(a.stack());
  const SocketId listener = listen(a.stack(), {self, 80});
  const SocketId client = a->open_tcp().value();
  (void)a->connect(client, {self, 80});
  settle();
  EXPECT_TRUE(a->accept(listener));
}

// --- what is bound to no address -------------------------------------------------------------

class Wildcards : public Ipv6 {
 protected:
  // Whether a connection to `remote` of b is accepted by `listener`.
  bool reaches(SocketId listener, std::string_view remote, std::uint16_t port = 80) {
    const SocketId client = a->open_tcp().value();
    (void)a->connect(client, {addr(remote), port});
    settle();
    const bool reached = b->accept(listener).has_value();
    EXPECT_TRUE(a->abort(client));
    settle();
    return reached;
  }
  SocketId v6_only() {
    const SocketId socket = b->open_tcp().value();
    EXPECT_TRUE(b->set_option(socket, SocketOption::v6_only, 1));
    EXPECT_EQ(b->option(socket, SocketOption::v6_only), 1);
    return socket;
  }
};

TEST_F(Wildcards, ColonsHearBothFamilies) {
  const SocketId listener = listen(b.stack(), {IpAddr::any_v6(), 80});
  EXPECT_TRUE(reaches(listener, "2001:db8::2"));
  EXPECT_TRUE(reaches(listener, "10.0.0.2"));
}

TEST_F(Wildcards, ZerosHearIpv4Alone) {
  const SocketId listener = listen(b.stack(), {IpAddr::any_v4(), 80});
  EXPECT_FALSE(reaches(listener, "2001:db8::2"));
  EXPECT_TRUE(reaches(listener, "10.0.0.2"));
}

TEST_F(Wildcards, V6OnlyHearsIpv6AloneAndSharesThePort) {
  const SocketId six = v6_only();
  ASSERT_TRUE(b->bind(six, {IpAddr::any_v6(), 80}));
  ASSERT_TRUE(b->listen(six, 4));
  EXPECT_FALSE(reaches(six, "10.0.0.2"));
  const SocketId four = listen(b.stack(), {IpAddr::any_v4(), 80});
  EXPECT_TRUE(reaches(six, "2001:db8::2"));
  EXPECT_TRUE(reaches(four, "10.0.0.2"));
}

TEST_F(Wildcards, BothFamiliesTakeThePortOfBoth) {
  listen(b.stack(), {IpAddr::any_v6(), 80});
  for (const char* taken : {"0.0.0.0", "10.0.0.2", "::", "2001:db8::2"}) {
    const SocketId late = b->open_tcp().value();
    EXPECT_EQ(b->bind(late, {addr(taken), 80}).error(), Error::address_in_use) << taken;
  }
  EXPECT_EQ(b->bind(v6_only(), {IpAddr::any_v6(), 80}).error(), Error::address_in_use);
}

TEST_F(Wildcards, DatagramsFindTheSocketOfTheirFamily) {
  const SocketId both = b->open_udp().value();
  ASSERT_TRUE(b->bind(both, {IpAddr::any_v6(), 53}));
  const SocketId four = b->open_udp().value();
  EXPECT_EQ(b->bind(four, {IpAddr::any_v4(), 53}).error(), Error::address_in_use);
  const SocketId client = a->open_udp().value();
  Buffer got(100);
  for (const char* to : {"10.0.0.2", "2001:db8::2"}) {
    ASSERT_TRUE(a->send_to(client, stream(0, 10), {addr(to), 53}));
    settle();
    EXPECT_EQ(b->recv(both, got), 10U) << to;
  }
}

// --- groups ----------------------------------------------------------------------------------

TEST_F(Ipv6, MembersHearTheirGroup) {
  const IpAddr group = addr("ff02::4242");
  const SocketId member = b->open_udp().value();
  ASSERT_TRUE(b->bind(member, {IpAddr::any_v6(), 5353}));
  const SocketId sender = a->open_udp().value();
  const auto send = [&] {
    EXPECT_TRUE(a->send_to(sender, stream(0, 10), {group, 5353}));
    settle();
  };
  Buffer got(100);
  send();
  EXPECT_FALSE(b->recv(member, got));
  ASSERT_TRUE(b->join(member, 1, group));
  send();
  DatagramInfo info;
  ASSERT_EQ(b->recv_from(member, got, info), 10U);
  EXPECT_EQ(info.destination, group);
  EXPECT_EQ(info.ttl, 1);
  EXPECT_EQ(info.source.addr, link_local(a.stack())) << "the scope of the group";
  ASSERT_TRUE(b->leave(member, 1, group));
  send();
  EXPECT_FALSE(b->recv(member, got));
}

TEST_F(Ipv6, AMemberHearsWhatItsOwnHostSends) {
  const IpAddr group = addr("ff02::4242");
  const SocketId member = a->open_udp().value();
  ASSERT_TRUE(a->bind(member, {IpAddr::any_v6(), 5353}));
  ASSERT_TRUE(a->join(member, 1, group));
  ASSERT_TRUE(a->set_option(member, SocketOption::multicast_all, 1));
  ASSERT_TRUE(a->send_to(member, stream(0, 10), {group, 5353}));
  settle();
  Buffer got(100);
  DatagramInfo info;
  ASSERT_EQ(a->recv_from(member, got, info), 10U);
  EXPECT_EQ(info.source.addr, link_local(a.stack()));
}

}  // namespace
}  // namespace naru::test
