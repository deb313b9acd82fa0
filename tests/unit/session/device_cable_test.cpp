// Who waits for a device, and how its descriptor comes to other processes.
#include "session/device_cable.hpp"

#include <filesystem>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "session/header.hpp"

namespace naru::session {
namespace {

constexpr std::uint64_t kId = 0x1234567;
constexpr std::uint32_t kKeeper = 1;

link::LanAlarm bell(std::uint32_t number) { return {link::LanAlarm::Kind::bell, number}; }

bool is_readable(int fd) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, 0) == 1;
}

// A device that is one end of a pair of sockets, and the cables of two processes.
class DeviceCableTest : public ::testing::Test {
 protected:
  DeviceCableTest() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends_), 0);
    header_.id = kId + static_cast<std::uint64_t>(::getpid());
    header_.keeper_bell = kKeeper;
    ringer_.open(header_.id);
    EXPECT_EQ(keeper_bell_.open(header_.id, kKeeper), 0);
  }
  ~DeviceCableTest() override { ::close(ends_[1]); }

  std::unique_ptr<DeviceCable> cable() {
    const link::DeviceLink::About about{link::DeviceKind::tap, "test0", MacAddr{}, 1500};
    auto link = link::DeviceLink::attach(::dup(ends_[0]), about);
    return std::make_unique<DeviceCable>(std::move(link), header_, ringer_);
  }

  int ends_[2];
  Header header_;
  Ringer ringer_;
  Bell keeper_bell_;
};

TEST_F(DeviceCableTest, OneWaitsForTheDeviceTheOthersDoNot) {
  const auto first = cable();
  const auto second = cable();
  EXPECT_FALSE(first->is_armed());
  const Armed armed = first->arm(bell(5));
  EXPECT_TRUE(armed.is_armed && armed.descriptor == first->link().descriptor());
  EXPECT_TRUE(second->is_armed());
  EXPECT_FALSE(second->arm(bell(6)).is_armed);
  // Another thread that waits for the same epoll set has the same bell.
  const Armed again = first->arm(bell(5));
  EXPECT_FALSE(again.is_armed);
  EXPECT_EQ(again.descriptor, -1);

  second->disarm(bell(6));
  EXPECT_TRUE(first->is_armed());
  first->disarm(bell(5));
  EXPECT_EQ(second->arm(bell(6)).descriptor, second->link().descriptor());
  EXPECT_FALSE(is_readable(keeper_bell_.fd()));
}

TEST_F(DeviceCableTest, TheKeeperStepsAside) {
  const auto keeper = cable();
  const auto program = cable();
  EXPECT_TRUE(keeper->arm(bell(kKeeper)).is_armed);
  EXPECT_FALSE(is_readable(keeper_bell_.fd()));
  EXPECT_TRUE(program->arm(bell(7)).is_armed);
  EXPECT_TRUE(is_readable(keeper_bell_.fd()));
  keeper->disarm(bell(kKeeper));
  EXPECT_TRUE(program->is_armed());
}

TEST_F(DeviceCableTest, TheDescriptorIsHandedOver) {
  char folder[] = "/tmp/naru-device-test-XXXXXX";
  // Longer than the name of a socket may be.
  const std::string deep = std::string(::mkdtemp(folder)) + "/" + std::string(120, 'x');
  std::filesystem::create_directory(deep);
  const std::string path = deep + "/a.session.device";
  EXPECT_FALSE(ask_for_device(path));
  {
    auto desk = DeviceDesk::open(path);
    ASSERT_TRUE(desk) << desk.error().message;
    std::jthread keeper([&] {
      pollfd p{desk->fd(), POLLIN, 0};
      ::poll(&p, 1, 20'000);
      desk->serve(ends_[0]);
    });
    const auto got = ask_for_device(path);
    ASSERT_TRUE(got) << got.error();
    EXPECT_NE(*got, ends_[0]);
    EXPECT_EQ(::write(ends_[1], "frame", 5), 5);
    char bytes[8];
    EXPECT_EQ(::read(*got, bytes, sizeof bytes), 5);
    ::close(*got);
  }
  EXPECT_FALSE(ask_for_device(path));  // the keeper is gone
  EXPECT_TRUE(DeviceDesk::open(path)) << "what it has left behind is in nobody's way";
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace naru::session
