// What a client of DHCPv6 sends, and when (RFC 9915 15, 18.2).
#include "client6.hpp"

namespace naru::dhcp::test {
namespace {

TEST_F(Client6Test, GetsAnAddressAndUsesItWhenNobodyObjects) {
  NARU_CHECKS("DHC-028");
  start();
  const Time begin = now;
  run_until(State6::bound);
  EXPECT_EQ(types(), (Types{Dhcp6Type::solicit, Dhcp6Type::request}));
  EXPECT_LE(heard[0].at - begin, 1s) << "SOL_MAX_DELAY";
  for (const Heard& h : heard) {
    EXPECT_TRUE(h.from.addr.is_link_local());
    EXPECT_EQ(h.from.port, wire::kDhcp6ClientPort);
    EXPECT_EQ(h.to.without_zone(), wire::kAllDhcp6Servers);
    EXPECT_EQ(h.options().find(Dhcp6Option::client_id)->size(), 10U);
    EXPECT_TRUE(h.options().has(Dhcp6Option::elapsed_time));
    EXPECT_TRUE(h.options().has(Dhcp6Option::option_request));
  }
  EXPECT_EQ(server_in(heard[0]), 0);
  EXPECT_EQ(server_in(heard[1]), 1);
  EXPECT_EQ(address_in(heard[1]), kAddress);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  ASSERT_EQ(leases.size(), 1U);
  EXPECT_EQ(leases[0]->address, kAddress);
  EXPECT_EQ(client->names()->name_servers, std::vector{kNames});
}

// --- RFC 9915 15 ----------------------------------------------------------------------------

TEST_F(Client6Test, SolicitsLessAndLessOften) {
  NARU_CHECKS("DHC-026");
  answer = {};
  start();
  run(6h);
  ASSERT_GE(heard.size(), 15U);
  Duration last{0};
  for (std::size_t i = 0; i + 1 < heard.size(); ++i) {
    const Duration wait = heard[i + 1].at - heard[i].at;
    const Duration base = i == 0 ? 1s : std::min<Duration>(2 * last, 3600s);
    const Duration spread = i == 0 ? 100ms : std::min<Duration>(last, 3600s) / 10;
    EXPECT_GE(wait, (i == 0 ? base + 1ms : base - spread)) << i;
    EXPECT_LE(wait, base + spread) << i;
    last = wait;
  }
  EXPECT_GT(last, 3200s);
  EXPECT_EQ(load_be16(heard[0].options().find(Dhcp6Option::elapsed_time)->data()), 0);
  EXPECT_EQ(load_be16(heard.back().options().find(Dhcp6Option::elapsed_time)->data()), 0xffff);
  EXPECT_EQ(heard[0].view().xid(), heard.back().view().xid());
}

TEST_F(Client6Test, RequestsTenTimesAndBeginsAnew) {
  NARU_CHECKS("DHC-026");
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::solicit) reply(h, {.type = Dhcp6Type::advertise});
  };
  start();
  run(400s);
  const auto requests = std::count_if(heard.begin(), heard.begin() + 12, [](const Heard& h) {
    return h.type() == Dhcp6Type::request;
  });
  EXPECT_EQ(requests, 10);
  EXPECT_EQ(heard[11].type(), Dhcp6Type::solicit);
  for (std::size_t i = 6; i < 10; ++i) {
    EXPECT_LE(heard[i + 1].at - heard[i].at, 33s) << "REQ_MAX_RT";
  }
  EXPECT_NE(heard[0].view().xid(), heard[1].view().xid());
}

TEST_F(Client6Test, ServersMaySayHowSeldomTheyAreAsked) {
  NARU_CHECKS("DHC-037");
  for (const auto& [seconds, is_taken] :
       {std::pair{30U, false}, {99'999U, false}, {60U, true}, {86'400U, true}}) {
    answer = [this, seconds = seconds](const Heard& h) {
      reply(h, {.type = Dhcp6Type::advertise,
                .ia_status = Dhcp6Status::no_addrs_avail,
                .more = [seconds](Dhcp6Writer& w) { w.add32(Dhcp6Option::sol_max_rt, seconds); }});
    };
    start();
    run(48h);
    ASSERT_GE(heard.size(), 2U);
    const Duration wait = heard[heard.size() - 1].at - heard[heard.size() - 2].at;
    const Duration expected = is_taken ? std::chrono::seconds(seconds) : Duration(3600s);
    EXPECT_LE(wait, expected + expected / 10) << seconds;
    // Two days are too short for the longest to be reached.
    if (seconds < 80'000) {
      EXPECT_GE(wait, expected - expected / 10) << seconds;
    }
  }
}

// RFC 9915 14.1: whatever servers do.
TEST_F(Client6Test, SendsNoFloods) {
  NARU_CHECKS("DHC-026");
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::solicit) {
      return reply(h, {.type = Dhcp6Type::advertise, .preference = 255});
    }
    reply(h, {.status = Dhcp6Status::not_on_link});
  };
  start();
  run(60s);
  EXPECT_GT(heard.size(), 20U);
  EXPECT_LE(heard.size(), 20U + 60U);
}

// --- DHC-032, DHC-033 -----------------------------------------------------------------------

TEST_F(Client6Test, DeclinesWhatSomebodyElseHas) {
  NARU_CHECKS("DHC-032");
  ASSERT_TRUE(b->add_address(1, {kAddress, 128}));
  advance(5s);
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::decline) {
      EXPECT_FALSE(a->address_state(kAddress));
    }
    if (h.type() != Dhcp6Type::decline || heard.size() >= 4) grant(h);
  };
  start();
  run(10s);
  ASSERT_GE(heard.size(), 5U);
  const Types first{Dhcp6Type::solicit, Dhcp6Type::request, Dhcp6Type::decline, Dhcp6Type::decline,
                    Dhcp6Type::solicit};
  Types said = types();
  said.resize(first.size());
  EXPECT_EQ(said, first);
  EXPECT_EQ(address_in(heard[2]), kAddress);
  EXPECT_EQ(server_in(heard[2]), 1);
  EXPECT_TRUE(leases.empty());
}

TEST_F(Client6Test, RenewsAndThenRebinds) {
  NARU_CHECKS("DHC-033");
  start();
  run_until(State6::bound);
  const Time granted = heard[1].at;
  heard.clear();
  answer = {};
  run(granted + 1999s - now);
  ASSERT_GE(heard.size(), 4U);
  EXPECT_EQ(heard[0].at, granted + 500s) << "half of the preferred lifetime";
  EXPECT_EQ(server_in(heard[0]), 1);
  const auto rebind = std::ranges::find(heard, Dhcp6Type::rebind, &Heard::type);
  ASSERT_NE(rebind, heard.end());
  EXPECT_EQ(rebind->at, granted + 800s);
  EXPECT_EQ(server_in(*rebind), 0);
  for (auto h = heard.begin(); h != rebind; ++h) EXPECT_EQ(h->type(), Dhcp6Type::renew);
  for (const Heard& h : heard) EXPECT_EQ(address_in(h), kAddress);
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  run(2s);
  EXPECT_FALSE(a->address_state(kAddress)) << "its time is over";
  EXPECT_EQ(client->state(), State6::soliciting);
  ASSERT_EQ(leases.size(), 2U);
  EXPECT_FALSE(leases[1]);
}

TEST_F(Client6Test, RenewsAtTheTimesOfItsServer) {
  NARU_CHECKS("DHC-033");
  answer = [this](const Heard& h) {
    reply(h, {.type = h.type() == Dhcp6Type::solicit ? Dhcp6Type::advertise : Dhcp6Type::reply,
              .t1 = 100,
              .t2 = 300});
  };
  start();
  run_until(State6::bound);
  Time last = heard[1].at;
  heard.clear();
  run(1000s);
  ASSERT_GE(heard.size(), 9U);
  for (const Heard& h : heard) {
    EXPECT_EQ(h.type(), Dhcp6Type::renew);
    EXPECT_EQ(h.at - last, 100s);
    last = h.at;
  }
}

TEST_F(Client6Test, AnybodyMayRenewWhenItsServerIsSilent) {
  NARU_CHECKS("DHC-033");
  start();
  run_until(State6::bound);
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::rebind) reply(h, {.server = 7});
  };
  run(900s);
  EXPECT_EQ(client->state(), State6::bound);
  EXPECT_EQ(client->lease()->server, duid_of_server(7));
}

TEST_F(Client6Test, MakesNoNewConnectionsWithAnAddressThatIsNoLongerPreferred) {
  NARU_CHECKS("DHC-033");
  ASSERT_TRUE(a->add_address(1, *Prefix::parse("2001:db8:0:7::7/64")));
  start({.prefix_length = 64});
  run_until(State6::bound);
  const Time granted = heard[1].at;
  const auto source = [this] {
    const auto asking = *a->open_udp();
    EXPECT_TRUE(a->connect(asking, {at("2001:db8::1ff"), 9}));
    const IpAddr chosen = a->local(asking)->addr;
    EXPECT_TRUE(a->close(asking));
    return chosen;
  };
  answer = {};
  run(granted + 999s - now);
  EXPECT_EQ(source(), kAddress) << "the longest matching prefix";
  run(2s);
  EXPECT_EQ(source(), at("2001:db8:0:7::7"));
  EXPECT_EQ(a->address_state(kAddress), AddressState::usable);
  // Renewed, it is as good as new.
  answer = [this](const Heard& h) { grant(h); };
  run(granted + 1900s - now);
  EXPECT_EQ(client->state(), State6::bound);
  EXPECT_EQ(source(), kAddress);
}

TEST_F(Client6Test, LosesWhatItsServerTakesBack) {
  NARU_CHECKS("DHC-033");
  start();
  run_until(State6::bound);
  answer = [this](const Heard& h) {
    if (h.type() == Dhcp6Type::renew) reply(h, {.preferred = 0, .valid = 0});
  };
  run(501s);
  EXPECT_FALSE(a->address_state(kAddress));
  EXPECT_EQ(client->state(), State6::soliciting);
  ASSERT_EQ(leases.size(), 2U);
  EXPECT_FALSE(leases[1]);
}

TEST_F(Client6Test, KeepsALeaseWithoutAnEnd) {
  NARU_CHECKS("DHC-033");
  answer = [this](const Heard& h) {
    reply(h, {.type = h.type() == Dhcp6Type::solicit ? Dhcp6Type::advertise : Dhcp6Type::reply,
              .preferred = wire::kDhcp6ForEver,
              .valid = wire::kDhcp6ForEver});
  };
  start();
  run_until(State6::bound);
  heard.clear();
  run(24h * 365);
  EXPECT_TRUE(heard.empty());
}

TEST_F(Client6Test, GivesItsLeaseBack) {
  start();
  run_until(State6::bound);
  heard.clear();
  client->release(now);
  EXPECT_FALSE(a->address_state(kAddress));
  run(100s);
  EXPECT_EQ(types(), Types{Dhcp6Type::release});
  EXPECT_EQ(address_in(heard[0]), kAddress);
  EXPECT_EQ(client->state(), State6::stopped);
}

TEST_F(Client6Test, GivesBackWhatItHasNotUsedYet) {
  start();
  run_until(State6::probing);
  client->release(now);
  run(1s);
  EXPECT_EQ(heard.back().type(), Dhcp6Type::release);
  EXPECT_EQ(address_in(heard.back()), kAddress);
  EXPECT_FALSE(a->address_state(kAddress));
  EXPECT_EQ(client->state(), State6::stopped);
}

TEST_F(Client6Test, GivesItsLeaseBackToNobodyInTheEnd) {
  NARU_CHECKS("DHC-026");
  start();
  run_until(State6::bound);
  heard.clear();
  answer = {};
  client->release(now);
  run(100s);
  EXPECT_EQ(types(), Types(4, Dhcp6Type::release));
  EXPECT_EQ(client->state(), State6::stopped);
}

// --- two messages, and none for an address --------------------------------------------------

TEST_F(Client6Test, TakesTheShortWayOnlyWhenItHasAskedForIt) {
  NARU_CHECKS("DHC-034");
  answer = [this](const Heard& h) {
    reply(h, {.more = [](Dhcp6Writer& w) { w.add(Dhcp6Option::rapid_commit); }});
  };
  start();
  run(5s);
  EXPECT_EQ(client->state(), State6::soliciting);
  EXPECT_FALSE(heard[0].options().has(Dhcp6Option::rapid_commit));
  start({.rapid_commit = true});
  run_until(State6::bound);
  EXPECT_EQ(types(), Types{Dhcp6Type::solicit});
  EXPECT_TRUE(heard[0].options().has(Dhcp6Option::rapid_commit));
  // And not from who does not say that it is one.
  client->release(now);
  answer = [this](const Heard& h) { reply(h, {}); };
  run(5s);
  start({.rapid_commit = true});
  run(5s);
  EXPECT_EQ(client->state(), State6::soliciting);
}

TEST_F(Client6Test, AsksForNamesAlone) {
  NARU_CHECKS("DHC-035");
  start({.wants_address = false});
  run_until(State6::informed);
  ASSERT_EQ(types(), Types{Dhcp6Type::information_request});
  EXPECT_FALSE(heard[0].options().has(Dhcp6Option::ia_na));
  EXPECT_EQ(client->names()->name_servers, std::vector{kNames});
  EXPECT_FALSE(client->lease());
  heard.clear();
  run(24h + 1s);
  EXPECT_EQ(heard.size(), 1U) << "IRT_DEFAULT";
}

TEST_F(Client6Test, AsksForNamesAgainWhenItIsTold) {
  NARU_CHECKS("DHC-035");
  for (const auto& [seconds, wait] : {std::pair{30U, 600s}, {7200U, 7200s}}) {
    answer = [this, seconds = seconds](const Heard& h) {
      reply(h, {.more = [seconds](Dhcp6Writer& w) {
              w.add32(Dhcp6Option::information_refresh_time, seconds);
            }});
    };
    start({.wants_address = false});
    run_until(State6::informed);
    run(wait + 2s);
    ASSERT_EQ(heard.size(), 2U) << seconds;
    EXPECT_EQ(heard[1].at - heard[0].at, wait);
  }
}

TEST_F(Client6Test, KnowsAFewNameServersAndSearchDomains) {
  NARU_CHECKS("DHC-041");
  answer = [this](const Heard& h) {
    reply(h, {.more = [](Dhcp6Writer& w) {
            w.add_names(Dhcp6Option::domain_search, std::vector<std::string>(60, "a.example"));
          }});
  };
  start({.wants_address = false});
  run_until(State6::informed);
  EXPECT_EQ(client->names()->search.size(), Names6::kMaxSearch);
}

}  // namespace
}  // namespace naru::dhcp::test
