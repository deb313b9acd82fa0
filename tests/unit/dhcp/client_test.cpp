// A client without an address, and a server that does what a test says.
#include <functional>
#include <set>

#include <gtest/gtest.h>

#include <naru/dhcp/client.hpp>

#include "client_net.hpp"
#include "dsl/checks.hpp"
#include "wire/checksum.hpp"
#include "wire/dhcp.hpp"

namespace naru::dhcp::test {
namespace {

using wire::Dhcp;
using wire::DhcpOption;
using wire::DhcpType;
using wire::DhcpView;

constexpr IpAddr kServer = IpAddr::v4(10, 0, 0, 2);
constexpr IpAddr kAddress = IpAddr::v4(10, 0, 0, 100);

// A message that the server has got.
struct Heard {
  DhcpType type() const { return *view.type(); }

  Time at;
  Endpoint from;
  IpAddr to;
  DhcpView view;
};

class ClientTest : public ClientNet<Client> {
 protected:
  ClientTest() {
    settle();
    EXPECT_TRUE(a->remove_address(1, IpAddr::v4(10, 0, 0, 1)));
    socket = *b->open_udp();
    EXPECT_TRUE(b->bind(socket, {IpAddr::any_v4(), wire::kDhcpServerPort}));
    EXPECT_TRUE(b->set_option(socket, SocketOption::broadcast, 1));
    answer = [this](const Heard& heard) { grant(heard); };
  }

  void start(ClientConfig config = {}) {
    config.mac = wire.a().mac();
    client.reset();  // the port is free again
    a->set_now(now);
    client = std::move(*Client::create(a.stack(), config, Random::seeded(5),
                                       [this](const auto& lease) { changes.push_back(lease); }));
  }
  void listen() override {
    std::array<std::uint8_t, 1500> room{};
    DatagramInfo info;
    while (const auto got = b->recv_from(socket, room, info)) {
      const auto view = DhcpView::parse(Bytes(room).first(*got));
      ASSERT_TRUE(view && view->type()) << "the client's messages are sound";
      heard.push_back({now, info.source, info.destination, *view});
      if (answer) answer(heard.back());
    }
    if (!on_wire) return;
    b->poll(now);
    for (std::size_t i = 0; i < wire.waiting_count(wire.a()); ++i) {
      on_wire(wire.waiting(wire.a(), i));
    }
  }

  // --- what the server says
  struct Reply {
    DhcpType type = DhcpType::ack;
    IpAddr address = kAddress;
    IpAddr server = kServer;
    std::uint32_t seconds = 1000;
    std::function<void(Dhcp&)> change = {};
  };
  void reply(const Heard& to, const Reply& reply) {
    Dhcp fixed{.op = Dhcp::kReply,
               .xid = to.view.fixed().xid,
               .yiaddr = reply.type == DhcpType::nak ? IpAddr::any_v4() : reply.address,
               .chaddr = to.view.fixed().chaddr};
    if (reply.change) reply.change(fixed);
    wire::DhcpWriter writer(fixed, reply.type);
    writer.add(DhcpOption::server_id, reply.server);
    if (reply.type != DhcpType::nak) {
      writer.add(DhcpOption::subnet_mask, IpAddr::v4(255, 255, 255, 0));
      writer.add(DhcpOption::routers, kServer);
      writer.add32(DhcpOption::lease_time, reply.seconds);
    }
    const bool to_all = to.view.fixed().ciaddr.is_any() || reply.type == DhcpType::nak;
    b->set_now(now);
    EXPECT_TRUE(b->send_to(
        socket, writer.finish(),
        {to_all ? IpAddr::broadcast_v4() : to.view.fixed().ciaddr, wire::kDhcpClientPort}, 0,
        {.interface = 1}));
  }
  void grant(const Heard& heard) {
    if (heard.type() == DhcpType::discover) reply(heard, {.type = DhcpType::offer});
    if (heard.type() == DhcpType::request) reply(heard, {.type = DhcpType::ack});
  }
  std::vector<DhcpType> types() const {
    std::vector<DhcpType> types;
    for (const Heard& h : heard) types.push_back(h.type());
    return types;
  }
  using Types = std::vector<DhcpType>;

  SocketId socket;
  std::function<void(const Heard&)> answer;
  std::function<void(MutableBytes)> on_wire;  // changes the server's frames
  std::vector<Heard> heard;
  std::vector<std::optional<Lease>> changes;
};

TEST_F(ClientTest, GetsAnAddressAndUsesItWhenNobodyObjects) {
  NARU_CHECKS("DHC-001", "DHC-006");
  start();
  run_until(State::bound);
  EXPECT_EQ(types(), (Types{DhcpType::discover, DhcpType::request}));
  const Heard& discover = heard[0];
  EXPECT_EQ(discover.from, (Endpoint{IpAddr::any_v4(), wire::kDhcpClientPort}));
  EXPECT_EQ(discover.to, IpAddr::broadcast_v4());
  EXPECT_EQ(discover.view.fixed().chaddr, wire.a().mac());
  EXPECT_TRUE(discover.view.number16(DhcpOption::max_message_size));
  EXPECT_TRUE(discover.view.option(DhcpOption::parameter_list));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0]->address.to_string(), "10.0.0.100/24");
  EXPECT_EQ(a->interface_address(1), kAddress);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  // Beyond its network there is a way.
  const SocketId probe = *a->open_udp();
  EXPECT_TRUE(a->connect(probe, {IpAddr::v4(192, 0, 2, 1), 9}));
  EXPECT_EQ(a->local(probe)->addr, kAddress);
}

TEST_F(ClientTest, AsksInTheFormOfItsState) {
  NARU_CHECKS("DHC-005");
  start();
  run_until(State::bound);
  const DhcpView& request = heard[1].view;
  EXPECT_EQ(request.address(DhcpOption::server_id), kServer);
  EXPECT_EQ(request.address(DhcpOption::requested_address), kAddress);
  EXPECT_TRUE(request.fixed().ciaddr.is_any());
  EXPECT_EQ(request.fixed().xid, heard[0].view.fixed().xid);
  answer = {};
  for (const State state : {State::renewing, State::rebinding}) {
    run_until(state, 1000s);
    run(1s);
    const Heard& last = heard.back();
    EXPECT_EQ(last.type(), DhcpType::request);
    EXPECT_EQ(last.view.fixed().ciaddr, kAddress);
    EXPECT_EQ(last.from.addr, kAddress);
    EXPECT_FALSE(last.view.option(DhcpOption::server_id));
    EXPECT_FALSE(last.view.option(DhcpOption::requested_address));
    EXPECT_EQ(last.to, state == State::renewing ? kServer : IpAddr::broadcast_v4());
  }
}

TEST_F(ClientTest, AsksLessAndLessOften) {
  NARU_CHECKS("DHC-002");
  answer = {};
  start();
  run(300s);
  ASSERT_GE(heard.size(), 6U);
  const std::array<Duration, 6> waits{4s, 8s, 16s, 32s, 64s, 64s};
  for (std::size_t i = 0; i + 1 < heard.size() && i < waits.size(); ++i) {
    const Duration wait = heard[i + 1].at - heard[i].at;
    EXPECT_GE(wait, waits[i] - 1s) << i;
    EXPECT_LE(wait, waits[i] + 1s) << i;
  }
}

TEST_F(ClientTest, WaitsBeforeItsFirstQuestionAsItIsTold) {
  NARU_CHECKS("DHC-003");
  start({.start_delay = 10s});
  const Time begin = now;
  run(11s);
  ASSERT_FALSE(heard.empty());
  EXPECT_GT(heard[0].at - begin, 0s);
  EXPECT_LE(heard[0].at - begin, 10s);
}

TEST_F(ClientTest, TakesNoAnswerThatIsNotForIt) {
  NARU_CHECKS("DHC-004", "DHC-020");
  const std::function<void(Dhcp&)> changes_of_it[] = {
      [](Dhcp& d) { d.op = Dhcp::kRequest; }, [](Dhcp& d) { d.xid ^= 1U; },
      [](Dhcp& d) { d.chaddr.bytes[5] ^= 1U; }, [](Dhcp& d) { d.yiaddr = IpAddr::any_v4(); }};
  for (const auto& change : changes_of_it) {
    answer = [&](const Heard& h) { reply(h, {.type = DhcpType::offer, .change = change}); };
    heard.clear();
    start();
    run(3s);
    EXPECT_EQ(types(), Types{DhcpType::discover});
  }
  // From another port than a server's.
  const SocketId server = socket;
  SocketId other = *b->open_udp();
  ASSERT_TRUE(b->bind(other, {IpAddr::any_v4(), 6767}));
  ASSERT_TRUE(b->set_option(other, SocketOption::broadcast, 1));
  answer = [&](const Heard& h) {
    socket = other;
    reply(h, {.type = DhcpType::offer});
    socket = server;
  };
  heard.clear();
  start();
  run(3s);
  EXPECT_EQ(types(), Types{DhcpType::discover});
}

// FORCERENEW (RFC 3203): nobody has agreed on a secret with us, so anybody may have said it.
TEST_F(ClientTest, IsNotForcedToRenew) {
  NARU_CHECKS("DHC-021");
  constexpr auto kForceRenew = static_cast<DhcpType>(9);
  start();
  run_until(State::bound);
  const Heard to_all = heard.back();
  run(500s);
  ASSERT_EQ(heard.back().view.fixed().ciaddr, kAddress) << "it has renewed";
  for (const Heard& to : {to_all, heard.back()}) {
    heard.clear();
    reply(to, {.type = kForceRenew});
    reply(to, {.type = kForceRenew, .change = [](Dhcp& d) {
                 d.yiaddr = IpAddr::any_v4();
                 d.ciaddr = kAddress;
               }});
    run(60s);
    EXPECT_EQ(client->state(), State::bound);
    EXPECT_EQ(types(), Types{});
  }
}

// --- on the wire -----------------------------------------------------------------------------

constexpr std::size_t kIp = 14;
constexpr std::size_t kUdp = kIp + 20;

bool is_reply(Bytes frame) {
  return frame.size() > kUdp + 8 && load_be16(frame.data() + 12) == 0x0800 &&
         frame[kIp + 9] == 17 && load_be16(frame.data() + kUdp) == wire::kDhcpServerPort;
}

// The frame to this MAC and IP address, and without a UDP checksum.
void lead_to(MutableBytes frame, const MacAddr& mac, const IpAddr& address) {
  std::ranges::copy(mac.bytes, frame.begin());
  store_be32(frame.data() + kIp + 16, address.to_v4());
  store_be16(frame.data() + kIp + 10, 0);
  wire::store_checksum(frame.data() + kIp + 10,
                       wire::finish(wire::sum_bytes(frame.subspan(kIp, 20))));
  store_be16(frame.data() + kUdp + 6, 0);
}

TEST_F(ClientTest, TakesNothingWithAWrongChecksum) {
  NARU_CHECKS("DHC-019");
  on_wire = [](MutableBytes frame) {
    if (is_reply(frame)) frame[kUdp + 6] ^= 1U;
  };
  start();
  run(3s);
  EXPECT_EQ(types(), Types{DhcpType::discover});
  EXPECT_GT(a->counters().get(Drop::udp_bad_checksum), 0U);
  on_wire = {};
  run_until(State::bound);
}

TEST_F(ClientTest, HearsBroadcastRepliesBeforeItHasAnAddress) {
  NARU_CHECKS("DHC-019");
  start();
  run_until(State::bound);
  for (const Heard& h : heard) EXPECT_TRUE(h.view.fixed().wants_broadcast);
}

// Not every server heeds the flag.
TEST_F(ClientTest, HearsUnicastRepliesBeforeItHasAnAddress) {
  NARU_CHECKS("DHC-019");
  on_wire = [this](MutableBytes frame) {
    if (is_reply(frame)) lead_to(frame, wire.a().mac(), kAddress);
  };
  start();
  run_until(State::bound);
  on_wire = {};
}

TEST_F(ClientTest, HearsNothingElseOfAnAddressThatItHasNot) {
  NARU_CHECKS("DHC-019");
  std::size_t passed = 0;
  on_wire = [&](MutableBytes frame) {
    if (!is_reply(frame)) return;
    lead_to(frame, wire.a().mac(), kAddress);
    store_be16(frame.data() + kUdp, 6767);
    ++passed;
  };
  start();
  run(3s);
  EXPECT_GT(passed, 0U);
  EXPECT_EQ(types(), Types{DhcpType::discover});
}

TEST_F(ClientTest, DeclinesWhatSomebodyElseHas) {
  NARU_CHECKS("DHC-006");
  ASSERT_TRUE(b->add_address(1, {kAddress, 24}));
  advance(10s);
  start();
  const Time begin = now;
  run(15s);
  ASSERT_GE(heard.size(), 3U);
  EXPECT_EQ(heard[2].type(), DhcpType::decline);
  EXPECT_EQ(heard[2].view.address(DhcpOption::requested_address), kAddress);
  EXPECT_EQ(heard[2].view.address(DhcpOption::server_id), kServer);
  EXPECT_TRUE(changes.empty());
  EXPECT_FALSE(a->address_state(kAddress));
  ASSERT_GE(heard.size(), 4U);
  EXPECT_EQ(heard[3].type(), DhcpType::discover);
  EXPECT_GE(heard[3].at - heard[2].at, 10s);
  EXPECT_LT(heard[2].at - begin, 3s);
}

TEST_F(ClientTest, RenewsAtHalfItsTime) {
  NARU_CHECKS("DHC-007");
  start();
  run_until(State::bound);
  const Time requested = heard[1].at;
  heard.clear();
  run(2000s);
  ASSERT_GE(heard.size(), 3U);
  Time last = requested;
  for (const Heard& h : heard) {
    EXPECT_EQ(h.type(), DhcpType::request);
    EXPECT_EQ(h.to, kServer);
    EXPECT_GE(h.at - last, 499s);
    EXPECT_LE(h.at - last, 500s);
    last = h.at;
  }
  EXPECT_EQ(client->state(), State::bound);
}

// Whoever repairs a shared stack closes sockets that no program has.
TEST_F(ClientTest, OpensItsSocketAgain) {
  start();
  run_until(State::bound);
  a->for_each_socket([this](SocketId id, std::uint64_t) { ASSERT_TRUE(a->close(id)); });
  heard.clear();
  run(600s);
  EXPECT_FALSE(heard.empty());
  EXPECT_EQ(client->state(), State::bound);
  EXPECT_EQ(a->interface_address(1), kAddress);
}

TEST_F(ClientTest, AsksAgainAtHalfOfWhatIsLeftAndLosesTheAddressAtTheEnd) {
  NARU_CHECKS("DHC-007", "DHC-008");
  start();
  run_until(State::bound);
  const Time requested = heard[1].at;
  heard.clear();
  answer = {};
  run(requested + 999s - now);
  EXPECT_EQ(client->state(), State::rebinding);
  EXPECT_EQ(a->interface_address(1), kAddress);
  for (std::size_t i = 0; i + 1 < heard.size(); ++i) {
    const Time end = heard[i].to == kServer ? requested + 875s : requested + 1000s;
    const Duration left = end - heard[i].at;
    EXPECT_EQ(heard[i + 1].at, std::min(end, heard[i].at + std::max<Duration>(left / 2, 60s)));
  }
  run(1s);
  EXPECT_FALSE(a->interface_address(1));
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_FALSE(changes[1]);
  EXPECT_EQ(heard.back().type(), DhcpType::discover);
}

TEST_F(ClientTest, AnybodyMayRenewWhenItsServerIsSilent) {
  start();
  run_until(State::bound);
  answer = [this](const Heard& h) {
    if (h.to != kServer) reply(h, {.server = IpAddr::v4(10, 0, 0, 3)});
  };
  run(900s);
  EXPECT_EQ(client->state(), State::bound);
  EXPECT_EQ(client->lease()->server, IpAddr::v4(10, 0, 0, 3));
}

TEST_F(ClientTest, TakesANoFromWhomItAsks) {
  NARU_CHECKS("DHC-009");
  start();
  run_until(State::bound);
  answer = [this](const Heard& h) {
    reply(h, {.type = DhcpType::nak, .server = IpAddr::v4(10, 0, 0, 66)});
    reply(h, {.type = DhcpType::nak, .change = [](Dhcp& d) { d.xid ^= 1U; }});
  };
  // In nobody's name while it is bound, and in a stranger's while it asks.
  reply(heard.back(), {.type = DhcpType::nak});
  run(600s);
  EXPECT_EQ(client->state(), State::renewing);
  EXPECT_EQ(a->interface_address(1), kAddress);
  reply(heard.back(), {.type = DhcpType::nak});
  answer = {};
  run(1s);
  EXPECT_FALSE(a->interface_address(1));
  EXPECT_EQ(heard.back().type(), DhcpType::discover);
}

TEST_F(ClientTest, BeginsAnewWhenAnOfferComesToNothing) {
  answer = [this](const Heard& h) {
    if (h.type() == DhcpType::discover) reply(h, {.type = DhcpType::offer});
  };
  start();
  run(70s);
  ASSERT_GE(heard.size(), 6U);
  Types first = types();
  first.resize(6);
  EXPECT_EQ(first, (Types{DhcpType::discover, DhcpType::request, DhcpType::request,
                          DhcpType::request, DhcpType::request, DhcpType::discover}));
  EXPECT_NE(heard[5].view.fixed().xid, heard[0].view.fixed().xid);
}

TEST_F(ClientTest, LeavesRoutesAloneWhereItIsTold) {
  NARU_CHECKS("DHC-013");
  start({.takes_routes = false});
  run_until(State::bound);
  const SocketId probe = *a->open_udp();
  EXPECT_EQ(a->connect(probe, {IpAddr::v4(192, 0, 2, 1), 9}).error(), Error::network_unreachable);
}

TEST_F(ClientTest, GivesItsLeaseBack) {
  NARU_CHECKS("DHC-023");
  start();
  run_until(State::bound);
  heard.clear();
  client->release(now);
  run(100s);
  EXPECT_EQ(types(), Types{DhcpType::release});
  EXPECT_EQ(heard[0].view.fixed().ciaddr, kAddress);
  EXPECT_EQ(heard[0].to, kServer);
  EXPECT_FALSE(a->interface_address(1));
}

TEST_F(ClientTest, KeepsALeaseWithoutAnEnd) {
  NARU_CHECKS("DHC-016");
  answer = [this](const Heard& h) {
    reply(h, {.type = h.type() == DhcpType::discover ? DhcpType::offer : DhcpType::ack,
              .seconds = UINT32_MAX});
  };
  start();
  run_until(State::bound);
  heard.clear();
  run(24h * 365);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(client->state(), State::bound);
}

TEST_F(ClientTest, CannotBeForeseen) {
  NARU_CHECKS("DHC-001");
  answer = [this](const Heard& h) {
    if (h.type() == DhcpType::discover) reply(h, {.type = DhcpType::offer});
  };
  start();
  run(3600s);
  std::set<std::uint32_t> ids;
  std::size_t rounds = 0;
  for (const Heard& h : heard) {
    if (h.type() != DhcpType::discover) continue;
    ids.insert(h.view.fixed().xid);
    ++rounds;
  }
  EXPECT_GT(rounds, 20U);
  EXPECT_EQ(ids.size(), rounds);
}

}  // namespace
}  // namespace naru::dhcp::test
