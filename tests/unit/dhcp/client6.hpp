// A client that asks for an IPv6 address, and servers that do what a test says.
#pragma once

#include <functional>

#include <gtest/gtest.h>

#include <naru/dhcp/client6.hpp>

#include "client_net.hpp"
#include "dhcp/identity6.hpp"
#include "dsl/checks.hpp"
#include "wire/dhcp6.hpp"

namespace naru::dhcp::test {

using wire::Dhcp6Ia;
using wire::Dhcp6Option;
using wire::Dhcp6Status;
using wire::Dhcp6Type;
using wire::Dhcp6View;
using wire::Dhcp6Writer;

inline IpAddr at(std::string_view text) { return *IpAddr::parse(text); }
inline const IpAddr kAddress = at("2001:db8::100");
inline const IpAddr kNames = at("2001:db8::53");

// A message that the servers have got.
struct Heard {
  Dhcp6View view() const { return *Dhcp6View::parse(bytes); }
  Dhcp6Type type() const { return view().type(); }
  const wire::Dhcp6Options options() const { return view().options(); }

  Time at;
  Endpoint from;
  IpAddr to;
  std::vector<std::uint8_t> bytes;
};

// What a server says.
struct Reply {
  Dhcp6Type type = Dhcp6Type::reply;
  std::uint8_t server = 1;
  std::uint8_t preference = 0;
  IpAddr address = kAddress;
  std::uint32_t preferred = 1000;
  std::uint32_t valid = 2000;
  std::uint32_t t1 = 0;
  std::uint32_t t2 = 0;
  Dhcp6Status status = Dhcp6Status::success;     // of the message
  Dhcp6Status ia_status = Dhcp6Status::success;  // of the IA, then without an address
  std::uint32_t xid_change = 0;
  std::function<void(Dhcp6Writer&)> more = {};
  bool names_client = true;
  bool names_server = true;
};

class Client6Test : public ClientNet<Client6> {
 protected:
  Client6Test() {
    EXPECT_TRUE(a->add_address(1, *Prefix::parse("fe80::a/64")));
    EXPECT_TRUE(b->add_address(1, *Prefix::parse("fe80::b/64")));
    advance(5s);
    socket = *b->open_udp();
    EXPECT_TRUE(b->bind(socket, {IpAddr::any_v6(), wire::kDhcp6ServerPort}));
    EXPECT_TRUE(b->join(socket, 1, wire::kAllDhcp6Servers));
    answer = [this](const Heard& heard) { grant(heard); };
  }

  void start(Client6Config config = {}) {
    config.mac = wire.a().mac();
    client.reset();  // the port is free again
    heard.clear();
    a->set_now(now);
    client = std::move(*Client6::create(a.stack(), config, Random::seeded(5),
                                        [this] { leases.push_back(client->lease()); }));
  }
  void listen() override {
    std::array<std::uint8_t, 1500> room{};
    DatagramInfo info;
    while (const auto got = b->recv_from(socket, room, info)) {
      const std::vector<std::uint8_t> bytes(room.begin(),
                                            room.begin() + static_cast<std::ptrdiff_t>(*got));
      ASSERT_TRUE(Dhcp6View::parse(bytes)) << "the client's messages are sound";
      heard.push_back({now, info.source, info.destination, bytes});
      const Heard last = heard.back();
      if (answer) answer(last);
    }
  }
  static std::vector<std::uint8_t> duid_of_server(std::uint8_t number) {
    return {0, 3, 0, 1, 2, 2, 2, 2, 2, number};
  }
  void reply(const Heard& to, const Reply& reply) {
    Dhcp6Writer writer(reply.type, to.view().xid() ^ reply.xid_change);
    if (reply.names_client) {
      writer.add(Dhcp6Option::client_id, *to.options().find(Dhcp6Option::client_id));
    }
    if (reply.names_server) writer.add(Dhcp6Option::server_id, duid_of_server(reply.server));
    if (reply.preference != 0) writer.add8(Dhcp6Option::preference, reply.preference);
    if (reply.status != Dhcp6Status::success) writer.add_status(reply.status);
    if (to.type() != Dhcp6Type::information_request) {
      writer.open_ia(1, reply.t1, reply.t2);
      if (reply.ia_status != Dhcp6Status::success) {
        writer.add_status(reply.ia_status);
      } else {
        writer.open_address(reply.address, reply.preferred, reply.valid);
        writer.close();
      }
      writer.close();
    }
    writer.add(Dhcp6Option::name_servers, std::span(&kNames, 1));
    if (reply.more) reply.more(writer);
    b->set_now(now);
    EXPECT_TRUE(b->send_to(socket, writer.finish(), to.from, 0, {.interface = 1}));
  }
  void grant(const Heard& heard) {
    const bool is_first = heard.type() == Dhcp6Type::solicit;
    reply(heard, {.type = is_first ? Dhcp6Type::advertise : Dhcp6Type::reply});
  }
  // The message of another client that has asked the same.
  static Heard of_another(const Heard& heard) {
    Heard other = heard;
    constexpr std::size_t kClientId = Dhcp6View::kHeaderSize + 4;  // it is the first option
    other.bytes[kClientId + 9] ^= 1U;
    return other;
  }
  // What is no reply to this message; `is_by_name`: which was for one server.
  void reply_wrongly(const Heard& to, bool is_by_name) {
    for (const Dhcp6Type type :
         {Dhcp6Type::solicit, Dhcp6Type::advertise, Dhcp6Type::request, Dhcp6Type::confirm,
          Dhcp6Type::renew, Dhcp6Type::rebind, Dhcp6Type::release, Dhcp6Type::decline,
          Dhcp6Type::reconfigure, Dhcp6Type::information_request}) {
      reply(to, {.type = type});
    }
    reply(to, {.xid_change = 1});
    reply(to, {.names_client = false});
    reply(to, {.names_server = false});
    reply(of_another(to), {});
    if (is_by_name) reply(to, {.server = 66});
  }
  using Types = std::vector<Dhcp6Type>;
  Types types() const {
    Types types;
    for (const Heard& h : heard) types.push_back(h.type());
    return types;
  }
  static IpAddr address_in(const Heard& heard) {
    const auto ia = Dhcp6Ia::parse(*heard.options().find(Dhcp6Option::ia_na));
    const auto address = ia->options.find(Dhcp6Option::ia_address);
    return address ? wire::Dhcp6Address::parse(*address)->address : IpAddr::any_v6();
  }
  static std::uint8_t server_in(const Heard& heard) {
    const auto server = heard.options().find(Dhcp6Option::server_id);
    return server ? server->back() : std::uint8_t{0};
  }

  SocketId socket;
  std::function<void(const Heard&)> answer;
  std::vector<Heard> heard;
  std::vector<std::optional<Lease6>> leases;
};

}  // namespace naru::dhcp::test
