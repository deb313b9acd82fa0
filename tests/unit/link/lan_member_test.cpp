// Who may sit at a lan: joining, leaving, names, addresses, the dead, the file.
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lan_place.hpp"
#include "link/lan_layout.hpp"

namespace naru::link {
namespace {

using test::in_child;
using test::status_of;
using testing::HasSubstr;

class LanMembers : public test::LanPlace {
 protected:
  std::string complaint(const LanOptions& options) const {
    const auto link = LanLink::join("lan0", options);
    return link ? "" : link.error().message;
  }
  void overwrite(std::size_t offset, std::uint32_t value) const {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(offset));
    out.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  std::size_t files() const {
    const std::filesystem::directory_iterator entries(folder);
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }
};

TEST_F(LanMembers, TheFirstMakesItTheLastRemovesIt) {
  auto a = join("a");
  auto b = join("b");
  EXPECT_EQ(a->address().to_string(), "10.77.0.2/24");
  EXPECT_EQ(b->address().to_string(), "10.77.0.3/24");
  EXPECT_NE(a->mac(), b->mac());
  EXPECT_TRUE(a->is_up());
  EXPECT_EQ(a->members().size(), 2U);
  EXPECT_EQ(list_lans(folder).value(), std::vector<std::string>{"lan0"});
  struct stat found;
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777U, 0600U);
  a.reset();
  EXPECT_EQ(b->members().size(), 1U);
  b.reset();
  EXPECT_EQ(files(), 0U);
}

TEST_F(LanMembers, AFreshLanTakesHalfAMegabyte) {
  const auto a = join();
  struct stat found;
  ASSERT_EQ(::stat(file().c_str(), &found), 0);
  EXPECT_LE(found.st_blocks * 512, 600 << 10);
}

TEST_F(LanMembers, FindEachOtherByName) {
  const auto web = join("web");
  const auto nameless = join();
  EXPECT_EQ(nameless->find_address("web"), web->address().addr);
  EXPECT_EQ(nameless->find_address("WEB.lan"), web->address().addr);
  EXPECT_EQ(nameless->find_address("db"), std::nullopt);
  EXPECT_EQ(nameless->find_address(""), std::nullopt);
  EXPECT_EQ(web->find_name(web->address().addr), "web");
  EXPECT_EQ(web->find_name(nameless->address().addr), std::nullopt);
}

TEST_F(LanMembers, HasTheSameNumberInBothFamilies) {
  auto o = options("web");
  o.address = IpAddr::v4(10, 77, 0, 5);
  const auto web = must(LanLink::join("lan0", o));
  EXPECT_EQ(web->address_v6().to_string(), "fd77::5/64");
  EXPECT_EQ(web->to_v6(IpAddr::v4(10, 77, 0, 200)), IpAddr::parse("fd77::c8"));
  EXPECT_EQ(web->to_v4(*IpAddr::parse("fd77::c8")), IpAddr::v4(10, 77, 0, 200));
  EXPECT_EQ(web->find_name(*IpAddr::parse("fd77::5")), "web");
  // What is not of the lan's networks.
  EXPECT_EQ(web->to_v6(IpAddr::v4(10, 78, 0, 5)), std::nullopt);
  EXPECT_EQ(web->to_v6(*IpAddr::parse("fd77::5")), std::nullopt);
  for (const char* text : {"fd77::1:5", "fd77::1:0:0:5", "fd78::5", "fd77::100", "::5", "::"}) {
    EXPECT_EQ(web->to_v4(*IpAddr::parse(text)), std::nullopt) << text;
    EXPECT_EQ(web->find_name(*IpAddr::parse(text)), std::nullopt) << text;
  }
}

TEST_F(LanMembers, NamesAndAddressesAreTakenOnce) {
  LanOptions wish = options("web");
  wish.address = IpAddr::v4(10, 77, 0, 9);
  const auto web = test::LanPlace::must(LanLink::join("lan0", wish));
  EXPECT_EQ(web->address().addr, wish.address);
  const std::string pid = std::to_string(::getpid());
  EXPECT_THAT(complaint(options("web")), HasSubstr("the name 'web' belongs to process " + pid));
  wish.name = "other";
  EXPECT_THAT(complaint(wish), HasSubstr("10.77.0.9 belongs to web (process " + pid));
  EXPECT_EQ(web->members().size(), 1U);
}

TEST_F(LanMembers, WishesThatMakeNoSense) {
  const auto first = join();
  for (const char* name : {"Web", "a b", "-a", "a-", "a.b", "/etc/passwd", "\xc3\xa4",
                           "abcdefghijklmnopqrstuvwxyz012345"}) {
    EXPECT_THAT(complaint(options(name)), HasSubstr("small letters")) << name;
    EXPECT_FALSE(LanLink::join(name, options())) << name;
  }
  EXPECT_FALSE(LanLink::join("", options()));
  LanOptions wish = options();
  for (const char* address : {"10.77.1.2", "10.77.0.0", "10.77.0.255", "::1"}) {
    wish.address = IpAddr::parse(address);
    EXPECT_THAT(complaint(wish), HasSubstr("is no address of a host in 10.77.0.0/24")) << address;
  }
  LanOptions odd = options();
  odd.ring_size = 300'000;
  EXPECT_FALSE(LanLink::join("odd", odd));
  EXPECT_EQ(list_lans(folder).value(), std::vector<std::string>{"lan0"});
}

TEST_F(LanMembers, SixtyFourAreEnough) {
  std::vector<std::unique_ptr<LanLink>> links;
  std::set<std::string> addresses;
  std::set<std::string> macs;
  for (std::uint32_t i = 0; i < LanLink::kMaxMembers; ++i) {
    links.push_back(join());
    addresses.insert(links.back()->address().to_string());
    macs.insert(links.back()->mac().to_string());
  }
  EXPECT_EQ(addresses.size(), 64U);
  EXPECT_EQ(macs.size(), 64U);
  EXPECT_THAT(complaint(options()), HasSubstr("it is full: it has 64 members"));
  const MacAddr old = links[20]->mac();
  links[20].reset();
  links[20] = join();
  EXPECT_NE(links[20]->mac(), old) << "a follower must not get another's frames";
}

TEST_F(LanMembers, TheDeadAreClearedAway) {
  const auto here = join("here");
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = in_child([&] {
    const auto link = LanLink::join("lan0", options("victim"));
    [[maybe_unused]] const ssize_t told = ::write(ready[1], "", 1);
    ::pause();
    return 0;
  });
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(list_members("lan0", folder)->size(), 2U);
  ::kill(child, SIGKILL);
  // Not even waited for: a zombie is dead enough.
  siginfo_t info;
  ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
  EXPECT_TRUE(join("victim"));
  EXPECT_EQ(list_members("lan0", folder)->size(), 1U);
  EXPECT_EQ(status_of(child), -SIGKILL);
  EXPECT_EQ(files(), 1U) << "a member has no file of its own";
}

// The number of a dead member's process was given to another process.
TEST_F(LanMembers, AnotherProcessWithTheNumberIsNotTheMember) {
  const auto here = join("here");
  const auto seat = here->seat().number;
  overwrite(
      offsetof(lan::Control, seats) + seat * sizeof(lan::Seat) + offsetof(lan::Seat, start_time),
      12345);
  EXPECT_TRUE(list_members("lan0", folder)->empty());
  EXPECT_FALSE(here->is_up());
}

TEST_F(LanMembers, OtherBuildsAndDamagedFilesAreRefused) {
  const auto keep = join();
  overwrite(offsetof(lan::Header, version), lan::kVersion + 1);
  EXPECT_THAT(complaint(options()), HasSubstr("made by another build of naru (format 4, here 3)"));
  overwrite(offsetof(lan::Header, version), lan::kVersion);
  overwrite(offsetof(lan::Header, control_size), 4096);
  EXPECT_THAT(complaint(options()), HasSubstr("another build"));
  overwrite(offsetof(lan::Header, control_size), sizeof(lan::Control));
  overwrite(offsetof(lan::Header, ring_size), 512U << 10U);
  EXPECT_THAT(complaint(options()), HasSubstr("damaged"));
  overwrite(offsetof(lan::Header, ring_size), 256U << 10U);
  overwrite(offsetof(lan::Header, mtu), 7);
  EXPECT_THAT(complaint(options()), HasSubstr("damaged"));
  overwrite(offsetof(lan::Header, mtu), 1500);
  overwrite(offsetof(lan::Header, namespaces), 7);
  EXPECT_THAT(complaint(options()), HasSubstr("another container"));
  overwrite(offsetof(lan::Header, magic), 0x12345678);
  EXPECT_THAT(complaint(options()), HasSubstr("is not a lan"));
  EXPECT_TRUE(keep->is_up()) << "who is in stays in";
}

TEST_F(LanMembers, AFileThatWasCutShortIsRefused) {
  { std::ofstream(file()) << std::string(5000, 'x'); }
  EXPECT_THAT(complaint(options()), HasSubstr("is not a lan"));
  EXPECT_FALSE(list_members("lan0", folder));
  EXPECT_TRUE(remove_lan("lan0", folder));
  EXPECT_TRUE(join());
}

// Whoever made it died before it was ready.
TEST_F(LanMembers, AnEmptyFileBecomesALan) {
  { std::ofstream{file()}; }
  EXPECT_TRUE(join());
}

TEST_F(LanMembers, AFolderThatOthersMayWriteToIsRefused) {
  ::chmod(folder.c_str(), 0777);
  EXPECT_THAT(complaint(options()), HasSubstr("other users may write to it"));
}

TEST_F(LanMembers, TakenDown) {
  auto a = join("a");
  EXPECT_THAT(remove_lan("lan0", folder).error().message, HasSubstr("it has members"));
  ASSERT_TRUE(take_down_lan("lan0", folder));
  EXPECT_FALSE(a->is_up());
  EXPECT_EQ(files(), 0U);
  auto b = join("a");
  EXPECT_TRUE(b->is_up());
  a.reset();
  EXPECT_EQ(files(), 1U) << "leaving the old one leaves the new one alone";
  EXPECT_FALSE(take_down_lan("no-such-lan", folder));
}

TEST_F(LanMembers, RemovedWhenNobodyLives) {
  const pid_t child =
      in_child([&] { return LanLink::join("lan0", options()) ? (::raise(SIGKILL), 0) : 1; });
  EXPECT_EQ(status_of(child), -SIGKILL);
  EXPECT_EQ(files(), 1U);
  EXPECT_TRUE(remove_lan("lan0", folder));
  EXPECT_EQ(files(), 0U);
}

TEST_F(LanMembers, AForkedChildDoesNotTakeTheSeatAway) {
  auto a = join("a");
  const pid_t child = in_child([&] {
    a.reset();
    return 0;
  });
  EXPECT_EQ(status_of(child), 0);
  EXPECT_TRUE(a->is_up());
  EXPECT_EQ(list_members("lan0", folder)->size(), 1U);
}

TEST_F(LanMembers, AKeeperTakesOver) {
  int ready[2];
  int done[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(done), 0);
  char byte;
  const pid_t first = in_child([&] {
    auto link = LanLink::join("lan0", options("session"));
    const pid_t keeper = in_child([&] {
      (*link)->adopt();
      [[maybe_unused]] ssize_t n = ::write(ready[1], "..", 2);
      n = ::read(done[0], &byte, 1);
      (*link).reset();
      n = ::write(ready[1], "", 1);
      return 0;
    });
    return keeper > 0 && ::read(ready[0], &byte, 1) == 1 ? 0 : 1;
  });
  EXPECT_EQ(status_of(first), 0);
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(list_members("lan0", folder)->size(), 1U);
  ASSERT_EQ(::write(done[1], "", 1), 1);
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(files(), 0U);
}

// Twenty at once, and again and again the last to leave removes it.
TEST_F(LanMembers, JoinAtOnce) {
  constexpr int kProcesses = 20;
  for (int round = 0; round < 3; ++round) {
    int answers[2];
    int go[2];
    ASSERT_EQ(::pipe(answers), 0);
    ASSERT_EQ(::pipe(go), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
      children.push_back(in_child([&] {
        ::close(go[1]);
        char byte;
        [[maybe_unused]] ssize_t n = ::read(go[0], &byte, 1);
        for (int k = 0; k < 5; ++k) {
          if (!LanLink::join("lan0", options())) return 1;
        }
        const auto link = LanLink::join("lan0", options());
        if (!link) return 2;
        const std::uint32_t address = (*link)->address().addr.to_v4();
        n = ::write(answers[1], &address, sizeof address);
        ::pause();
        return 0;
      }));
    }
    ::close(go[0]);
    ::close(go[1]);
    ::close(answers[1]);
    std::set<std::uint32_t> addresses;
    for (int i = 0; i < kProcesses; ++i) {
      std::uint32_t address = 0;
      ASSERT_EQ(::read(answers[0], &address, sizeof address), 4);
      addresses.insert(address);
    }
    EXPECT_EQ(addresses.size(), kProcesses);
    EXPECT_EQ(list_members("lan0", folder)->size(), kProcesses);
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) EXPECT_EQ(status_of(child), -SIGKILL);
    ::close(answers[0]);
  }
}

}  // namespace
}  // namespace naru::link
