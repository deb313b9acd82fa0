// What a client of DHCPv6 makes of what servers say (RFC 9915 16, 18.2.9, 18.2.10).
#include "client6.hpp"
#include "wire/fields.hpp"

namespace naru::dhcp::test {
namespace {

// --- whom to believe ------------------------------------------------------------------------

TEST_F(Client6Test, TakesNoMessageThatIsNotForIt) {
  NARU_CHECKS("DHC-027", "DHC-036");
  const Reply wrong[] = {{.type = Dhcp6Type::advertise, .xid_change = 1},
                         {.type = Dhcp6Type::advertise, .names_client = false},
                         {.type = Dhcp6Type::advertise, .names_server = false},
                         {.type = Dhcp6Type::solicit},
                         {.type = Dhcp6Type::request},
                         {.type = Dhcp6Type::renew},
                         {.type = Dhcp6Type::reply},
                         {.type = Dhcp6Type::reconfigure},
                         {.type = Dhcp6Type::information_request}};
  for (const Reply& said : wrong) {
    answer = [&](const Heard& h) { reply(h, said); };
    start();
    run(10s);
    EXPECT_GE(heard.size(), 2U);
    for (const Heard& h : heard) EXPECT_EQ(h.type(), Dhcp6Type::solicit);
  }
  answer = [&](const Heard& h) { reply(of_another(h), {.type = Dhcp6Type::advertise}); };
  start();
  run(10s);
  for (const Heard& h : heard) EXPECT_EQ(h.type(), Dhcp6Type::solicit);
}

TEST_F(Client6Test, TakesRepliesOfWhomItHasAsked) {
  NARU_CHECKS("DHC-027");
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::solicit) return reply(h, {.type = Dhcp6Type::advertise});
    reply(h, {.server = 66});
    reply(h, {.type = Dhcp6Type::advertise});
    reply(h, {.xid_change = 1});
  };
  start();
  run(5s);
  EXPECT_EQ(client->state(), State6::requesting);
  EXPECT_FALSE(a->address_state(kAddress));
}

// Nor to anything else that it sends.
TEST_F(Client6Test, TakesNoWrongReply) {
  NARU_CHECKS("DHC-027");
  for (const Dhcp6Type asked : {Dhcp6Type::request, Dhcp6Type::renew, Dhcp6Type::rebind,
                                Dhcp6Type::release, Dhcp6Type::information_request}) {
    const bool is_by_name = asked != Dhcp6Type::rebind && asked != Dhcp6Type::information_request;
    answer = [&](const Heard& h) {
      if (asked == Dhcp6Type::rebind && h.type() == Dhcp6Type::renew) return;
      if (h.type() != asked) return grant(h);
      reply_wrongly(h, is_by_name);
    };
    start({.wants_address = asked != Dhcp6Type::information_request});
    const auto is_asking = [&] { return !heard.empty() && heard.back().type() == asked; };
    for (int i = 0; i < 900 && !is_asking(); ++i) {
      if (asked == Dhcp6Type::release && client->state() == State6::bound) client->release(now);
      run(1s);
    }
    ASSERT_TRUE(is_asking()) << static_cast<int>(asked);
    const State6 state = client->state();
    const std::size_t before = heard.size();
    for (int i = 0; i < 200 && heard.size() == before; ++i) run(100ms);
    EXPECT_EQ(heard.back().type(), asked) << "it is asked again";
    EXPECT_GT(heard.size(), before);
    EXPECT_EQ(to_string(client->state()), to_string(state));
    answer = [this](const Heard& h) { grant(h); };
    run(700s);
    EXPECT_NE(to_string(client->state()), to_string(state)) << "a right one";
    client->release(now);
    run(10s);
  }
}

TEST_F(Client6Test, HearsNobodyWhoSpeaksToAll) {
  NARU_CHECKS("DHC-027");
  answer = [this](const Heard& h) {
    Heard all = h;
    all.from.addr = at("ff02::1");
    reply(all, {.type = Dhcp6Type::advertise});
  };
  start();
  run(10s);
  for (const Heard& h : heard) EXPECT_EQ(h.type(), Dhcp6Type::solicit);
}

TEST_F(Client6Test, ReconfigureIsNotHeard) {
  NARU_CHECKS("DHC-036");
  start();
  run_until(State6::bound);
  const Heard last = heard.back();
  heard.clear();
  reply(last, {.type = Dhcp6Type::reconfigure});
  reply(last, {.status = Dhcp6Status::not_on_link});
  run(60s);
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(client->state(), State6::bound);
}

TEST_F(Client6Test, CollectsForAMomentAndTakesTheMostPreferred) {
  NARU_CHECKS("DHC-028");
  answer = [this](const Heard& h) {
    if (h.type() != Dhcp6Type::solicit) return grant(h);
    reply(h, {.type = Dhcp6Type::advertise, .server = 1, .preference = 5});
    reply(h, {.type = Dhcp6Type::advertise, .server = 2, .preference = 200});
    reply(h, {.type = Dhcp6Type::advertise, .server = 3});
  };
  start();
  run(5s);
  ASSERT_GE(heard.size(), 2U);
  EXPECT_EQ(server_in(heard[1]), 2);
  EXPECT_GE(heard[1].at - heard[0].at, 1s) << "the first RT";
}

TEST_F(Client6Test, TakesTheUtmostPreferenceAtOnce) {
  NARU_CHECKS("DHC-028");
  answer = [this](const Heard& h) {
    if (h.type() != Dhcp6Type::solicit) return;
    reply(h, {.type = Dhcp6Type::advertise, .server = 1, .preference = 254});
    reply(h, {.type = Dhcp6Type::advertise, .server = 2, .preference = 255});
    reply(h, {.type = Dhcp6Type::advertise, .server = 3});
  };
  start();
  run(1s);
  ASSERT_GE(heard.size(), 2U);
  EXPECT_EQ(server_in(heard[1]), 2);
  EXPECT_EQ(heard[1].at, heard[0].at);
}

TEST_F(Client6Test, AfterTheFirstSilenceTheNextWillDo) {
  NARU_CHECKS("DHC-028");
  int solicits = 0;
  answer = [&](const Heard& h) {
    if (h.type() == Dhcp6Type::solicit && ++solicits == 3) {
      reply(h, {.type = Dhcp6Type::advertise});
    }
  };
  start();
  run(10s);
  ASSERT_GE(heard.size(), 4U);
  EXPECT_EQ(heard[3].type(), Dhcp6Type::request);
  EXPECT_EQ(heard[3].at, heard[2].at);
}

TEST_F(Client6Test, RemembersAFewServers) {
  NARU_CHECKS("DHC-041");
  answer = [this](const Heard& h) {
    if (h.type() != Dhcp6Type::solicit) return;
    for (std::uint8_t i = 1; i <= 200; ++i) {
      reply(h, {.type = Dhcp6Type::advertise, .server = i, .preference = i});
      settle();
      client->poll(now);
    }
    reply(h, {.type = Dhcp6Type::advertise, .server = 200, .preference = 200});
  };
  start();
  run(1h);
  std::vector<std::uint8_t> asked;  // each ten times
  for (std::size_t i = 1; heard[i].type() == Dhcp6Type::request; i += 10) {
    asked.push_back(server_in(heard[i]));
  }
  const std::vector<std::uint8_t> best{200, 199, 198, 197, 196, 195, 194, 193};
  EXPECT_EQ(asked, best);
}

// --- DHC-029: what a server has to say beside yes -------------------------------------------

TEST_F(Client6Test, AsksTheNextServerWhenOneHasNothing) {
  NARU_CHECKS("DHC-029");
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::solicit) {
      reply(h, {.type = Dhcp6Type::advertise, .server = 1, .preference = 9});
      reply(h, {.type = Dhcp6Type::advertise, .server = 2});
    } else if (server_in(h) == 1) {
      reply(h, {.server = 1, .ia_status = Dhcp6Status::no_addrs_avail});
    } else {
      reply(h, {.server = 2});
    }
  };
  start();
  run_until(State6::bound);
  EXPECT_EQ(client->lease()->server, duid_of_server(2));
}

TEST_F(Client6Test, LeavesAloneWhoOffersNothing) {
  NARU_CHECKS("DHC-029");
  answer = [this](const Heard& h) {
    reply(h, {.type = Dhcp6Type::advertise, .ia_status = Dhcp6Status::no_addrs_avail});
    reply(h, {.type = Dhcp6Type::advertise, .status = Dhcp6Status::no_addrs_avail});
  };
  start();
  run(10s);
  for (const Heard& h : heard) EXPECT_EQ(h.type(), Dhcp6Type::solicit);
}

TEST_F(Client6Test, BeginsAnewWhereItsAddressDoesNotBelong) {
  NARU_CHECKS("DHC-029");
  for (const bool is_of_ia : {false, true}) {
    const auto no = Dhcp6Status::not_on_link;
    answer = [&](const Heard& h) {
      if (h.type() == Dhcp6Type::solicit) return reply(h, {.type = Dhcp6Type::advertise});
      reply(h, is_of_ia ? Reply{.ia_status = no} : Reply{.status = no});
    };
    start();
    run(2500ms);
    ASSERT_GE(heard.size(), 3U);
    EXPECT_EQ(heard[2].type(), Dhcp6Type::solicit);
    EXPECT_EQ(heard[2].at, heard[1].at);
  }
}

TEST_F(Client6Test, BeginsAnewWhenItIsRefused) {
  NARU_CHECKS("DHC-029");
  for (const Dhcp6Status no : {Dhcp6Status::no_addrs_avail, Dhcp6Status::no_binding}) {
    answer = [&](const Heard& h) {
      if (h.type() == Dhcp6Type::solicit) return reply(h, {.type = Dhcp6Type::advertise});
      reply(h, {.status = no});
    };
    start();
    run(2500ms);
    ASSERT_GE(heard.size(), 3U);
    EXPECT_EQ(heard[2].type(), Dhcp6Type::solicit);
  }
}

// What it has lasts as long as it was said.
TEST_F(Client6Test, KeepsItsLeaseWhenARenewalFails) {
  NARU_CHECKS("DHC-029");
  start();
  run_until(State6::bound);
  const Reply failures[] = {{.status = Dhcp6Status::unspec_fail},
                            {.status = Dhcp6Status::use_multicast},
                            {.ia_status = Dhcp6Status::unspec_fail},
                            {.ia_status = Dhcp6Status::no_addrs_avail},
                            {.ia_status = Dhcp6Status::not_on_link}};
  answer = [&](const Heard& h) {
    for (const Reply& failure : failures) reply(h, failure);
  };
  run(550s);
  EXPECT_EQ(client->state(), State6::renewing);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  answer = [this](const Heard& h) { grant(h); };
  run(100s);
  EXPECT_EQ(client->state(), State6::bound);
}

TEST_F(Client6Test, AsksAgainInItsOwnTimeWhenAServerFails) {
  NARU_CHECKS("DHC-029");
  for (const Dhcp6Status status : {Dhcp6Status::unspec_fail, Dhcp6Status::use_multicast}) {
    int requests = 0;
    answer = [&](const Heard& h) {
      if (h.type() == Dhcp6Type::solicit) return reply(h, {.type = Dhcp6Type::advertise});
      if (++requests < 3) return reply(h, {.status = status});
      reply(h, {});
    };
    start();
    run_until(State6::bound);
    ASSERT_EQ(types(), (Types{Dhcp6Type::solicit, Dhcp6Type::request, Dhcp6Type::request,
                              Dhcp6Type::request}));
    EXPECT_GE(heard[2].at - heard[1].at, 900ms);
    client->release(now);
    run(10s);
  }
}

TEST_F(Client6Test, RequestsAnewWhatItsServerHasForgotten) {
  NARU_CHECKS("DHC-029");
  start();
  run_until(State6::bound);
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::renew) return reply(h, {.ia_status = Dhcp6Status::no_binding});
    reply(h, {});
  };
  heard.clear();
  run(501s);
  ASSERT_EQ(types(), (Types{Dhcp6Type::renew, Dhcp6Type::request}));
  EXPECT_EQ(address_in(heard[1]), kAddress);
  EXPECT_EQ(client->state(), State6::bound);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
}

// --- DHC-030: times that make no sense ------------------------------------------------------

TEST_F(Client6Test, TakesNoAddressThatIsPreferredForLongerThanItIsValid) {
  NARU_CHECKS("DHC-030");
  const Reply wrong[] = {{.type = Dhcp6Type::advertise, .preferred = 2001, .valid = 2000},
                         {.type = Dhcp6Type::advertise, .t1 = 20, .t2 = 10},
                         {.type = Dhcp6Type::advertise, .preferred = 0, .valid = 0},
                         {.type = Dhcp6Type::advertise, .address = at("fe80::1")},
                         {.type = Dhcp6Type::advertise, .address = at("ff02::1")},
                         {.type = Dhcp6Type::advertise, .address = at("::1")},
                         {.type = Dhcp6Type::advertise, .address = at("::ffff:10.0.0.1")}};
  for (const Reply& said : wrong) {
    answer = [&](const Heard& h) { reply(h, said); };
    start();
    run(10s);
    for (const Heard& h : heard) EXPECT_EQ(h.type(), Dhcp6Type::solicit);
  }
}

// --- DHC-038: prefixes, which nobody has asked for --------------------------------------------

TEST_F(Client6Test, LeavesDelegatedPrefixesAlone) {
  NARU_CHECKS("DHC-038");
  constexpr auto kIaPd = static_cast<Dhcp6Option>(25);
  const auto ia_pd = [](std::uint8_t length, const IpAddr& prefix) {
    std::vector<std::uint8_t> ia(12 + 4 + 25);
    store_be16(ia.data() + 12, 26);  // IAPREFIX
    store_be16(ia.data() + 14, 25);
    store_be32(ia.data() + 16, 1000);
    store_be32(ia.data() + 20, 2000);
    ia[24] = length;
    wire::store_ipv6(ia.data() + 25, prefix);
    return ia;
  };
  answer = [&](const Heard& h) {
    EXPECT_FALSE(h.options().find(kIaPd));
    const bool is_first = h.type() == Dhcp6Type::solicit;
    reply(h, {.type = is_first ? Dhcp6Type::advertise : Dhcp6Type::reply,
              .more = [&](Dhcp6Writer& writer) {
                for (const std::uint8_t length : {0, 56, 64, 65, 128, 129, 255}) {
                  writer.add(kIaPd, ia_pd(length, at("2001:db8:100::")));
                }
                writer.add(kIaPd, ia_pd(64, at("fe80::")));
                writer.add(kIaPd, ia_pd(64, at("ff02::")));
                writer.add(kIaPd, Bytes(ia_pd(64, at("2001:db8:100::"))).first(20));
              }});
  };
  start();
  run_until(State6::bound);
  EXPECT_EQ(client->lease()->address, kAddress);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  const SocketId probe = *a->open_udp();
  EXPECT_EQ(a->connect(probe, {at("2001:db8:100::1"), 9}).error(), Error::network_unreachable);
}

}  // namespace
}  // namespace naru::dhcp::test
