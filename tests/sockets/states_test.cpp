// The table of states: what each call answers in each state of a socket.
#include "sockets.hpp"

namespace naru::sockets {
namespace {

// A socket in some state, and whatever must live meanwhile.
struct Setting {
  Fd fd;
  Fd peer;
  std::vector<Fd> others;
};

// Nothing blocks here. Errors stand as their names, numbers as numbers.
struct Row {
  const char* state;
  Setting (*make)();
  const char* poll;
  const char* send;
  const char* recv;
  const char* accept;
  const char* connect;
  const char* listen;
  const char* bind;
  const char* shut_read;
  const char* shut_write;
  const char* peer_name;
  const char* error;
  const char* sequence;  // recv, recv, send
};

std::string word(long answer) {
  return answer < 0 ? ::strerrorname_np(errno) : std::to_string(answer);
}
std::string ok(long answer) { return answer < 0 ? ::strerrorname_np(errno) : "ok"; }

std::string bits(short revents) {
  static constexpr std::pair<short, const char*> kNames[] = {
      {POLLIN, "IN"},         {POLLOUT, "OUT"},       {POLLPRI, "PRI"},
      {POLLERR, "ERR"},       {POLLHUP, "HUP"},       {POLLRDNORM, "RDNORM"},
      {POLLRDBAND, "RDBAND"}, {POLLWRNORM, "WRNORM"}, {POLLWRBAND, "WRBAND"},
      {POLLRDHUP, "RDHUP"}};
  std::string text;
  for (const auto& [bit, name] : kNames) {
    if ((revents & bit) != 0) text += (text.empty() ? "" : "+") + std::string(name);
  }
  return text.empty() ? "-" : text;
}

constexpr short kAll =
    POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLRDBAND | POLLWRNORM | POLLWRBAND;

std::string receive(int fd) {
  char room[64];
  const long n = ::recv(fd, room, sizeof room, 0);
  return n < 0 ? ::strerrorname_np(errno) : "len" + std::to_string(n);
}

// --- the states -----------------------------------------------------------------------------

Setting closed() { return {tcp(SOCK_NONBLOCK), {}, {}}; }

Setting closed_bound() {
  Setting s = closed();
  EXPECT_EQ(bind(s.fd, v4(0)), 0);
  return s;
}

Setting listening() { return {listener(5, SOCK_NONBLOCK), {}, {}}; }

Setting listening_shut() {
  Setting s{tcp(SOCK_NONBLOCK), {}, {}};
  EXPECT_EQ(bind(s.fd, v4(closed_port())), 0);  // a port of 0 would be given up
  EXPECT_EQ(::listen(s.fd, 5), 0);
  EXPECT_EQ(::shutdown(s.fd, SHUT_RD), 0);
  return s;
}

Setting syn_sent() {
  Setting s{tcp(SOCK_NONBLOCK), listener(0), {}};
  for (int i = 0; i < 3; ++i) {
    s.others.push_back(tcp(SOCK_NONBLOCK));
    (void)connect(s.others.back(), name_of(s.peer));
  }
  EXPECT_EQ(error_of(connect(s.fd, name_of(s.peer))), EINPROGRESS);
  return s;
}

Setting refused() {
  Setting s = closed();
  (void)connect(s.fd, v4(closed_port()));
  EXPECT_TRUE(wait_for(s.fd, POLLOUT));
  return s;
}

Setting refused_read() {
  Setting s = refused();
  EXPECT_EQ(get(s.fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
  return s;
}

Setting established() {
  Pair p = connected(SOCK_NONBLOCK);
  return {std::move(p.client), std::move(p.server), {}};
}

Setting established_data() {
  Setting s = established();
  EXPECT_EQ(send(s.peer, "12345"), 5);
  EXPECT_TRUE(wait_for(s.fd, POLLIN));
  return s;
}

Setting close_wait() {
  Setting s = established();
  EXPECT_EQ(::shutdown(s.peer, SHUT_WR), 0);
  EXPECT_TRUE(wait_for(s.fd, POLLRDHUP));
  return s;
}

Setting close_wait_data() {
  Setting s = established_data();
  EXPECT_EQ(::shutdown(s.peer, SHUT_WR), 0);
  EXPECT_TRUE(wait_for(s.fd, POLLRDHUP));
  return s;
}

Setting fin_wait_2() {
  Setting s = established();
  EXPECT_EQ(::shutdown(s.fd, SHUT_WR), 0);
  EXPECT_TRUE(wait_for(s.peer, POLLRDHUP));
  sleep_ms(5);  // until the FIN is acknowledged
  return s;
}

Setting shut_read() {
  Setting s = established();
  EXPECT_EQ(::shutdown(s.fd, SHUT_RD), 0);
  return s;
}

Setting shut_read_data() {
  Setting s = shut_read();
  EXPECT_EQ(send(s.peer, "12345"), 5);
  for (int i = 0; i < 1000 && readable(s.fd) == 0; ++i) sleep_ms(1);
  return s;
}

Setting shut_both() {
  Setting s = established();
  EXPECT_EQ(::shutdown(s.fd, SHUT_RDWR), 0);
  return s;
}

Setting time_wait() {
  Setting s = fin_wait_2();
  s.peer.close();
  EXPECT_TRUE(wait_for(s.fd, POLLHUP));
  return s;
}

Setting reset() {
  Setting s = established();
  set_linger(s.peer, 1, 0);
  s.peer.close();
  EXPECT_TRUE(wait_for(s.fd, POLLERR));
  return s;
}

Setting reset_data() {
  Setting s = established_data();
  set_linger(s.peer, 1, 0);
  s.peer.close();
  EXPECT_TRUE(wait_for(s.fd, POLLERR));
  return s;
}

Setting reset_read() {
  Setting s = reset();
  EXPECT_EQ(get(s.fd, SOL_SOCKET, SO_ERROR), ECONNRESET);
  return s;
}

constexpr const char* kGone = "IN+OUT+HUP+RDNORM+WRNORM+RDHUP";
constexpr const char* kFailed = "IN+OUT+ERR+HUP+RDNORM+WRNORM+RDHUP";
constexpr const char* kEnded = "IN+OUT+RDNORM+WRNORM+RDHUP";

// clang-format off
constexpr Row kRows[] = {
  {"closed", closed, "OUT+HUP+WRNORM", "EPIPE", "ENOTCONN", "EINVAL", "EINPROGRESS", "ok", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "ENOTCONN,ENOTCONN,EPIPE"},
  {"closed, bound", closed_bound, "OUT+HUP+WRNORM", "EPIPE", "ENOTCONN", "EINVAL", "EINPROGRESS", "ok", "EINVAL", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "ENOTCONN,ENOTCONN,EPIPE"},
  {"listen", listening, "-", "EPIPE", "ENOTCONN", "EAGAIN", "EISCONN", "ok", "EINVAL", "ok", "ok", "ENOTCONN", "0", "ENOTCONN,ENOTCONN,EPIPE"},
  {"listen, shut", listening_shut, "OUT+HUP+WRNORM", "EPIPE", "ENOTCONN", "EINVAL", "EINPROGRESS", "ok", "EINVAL", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "ENOTCONN,ENOTCONN,EPIPE"},
  {"syn-sent", syn_sent, "-", "EAGAIN", "EAGAIN", "EINVAL", "EALREADY", "EINVAL", "EINVAL", "ok", "ok", "ENOTCONN", "0", "EAGAIN,EAGAIN,EAGAIN"},
  {"refused", refused, kFailed, "ECONNREFUSED", "ECONNREFUSED", "EINVAL", "ECONNREFUSED", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "ECONNREFUSED", "ECONNREFUSED,len0,EPIPE"},
  {"refused, read", refused_read, kGone, "EPIPE", "len0", "EINVAL", "ECONNABORTED", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "len0,len0,EPIPE"},
  {"established", established, "OUT+WRNORM", "1", "EAGAIN", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "EAGAIN,EAGAIN,1"},
  {"established, data", established_data, "IN+OUT+RDNORM+WRNORM", "1", "len5", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len5,EAGAIN,1"},
  {"close-wait", close_wait, kEnded, "1", "len0", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len0,len0,1"},
  {"close-wait, data", close_wait_data, kEnded, "1", "len5", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len5,len0,1"},
  {"fin-wait-2", fin_wait_2, "OUT+WRNORM", "EPIPE", "EAGAIN", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "EAGAIN,EAGAIN,EPIPE"},
  {"shut read", shut_read, kEnded, "1", "len0", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len0,len0,1"},
  {"shut read, then data", shut_read_data, kEnded, "1", "len5", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len5,len0,1"},
  {"shut both", shut_both, kGone, "EPIPE", "len0", "EINVAL", "EISCONN", "EINVAL", "EINVAL", "ok", "ok", "ok", "0", "len0,len0,EPIPE"},
  {"time-wait", time_wait, kGone, "EPIPE", "len0", "EINVAL", "EISCONN", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "len0,len0,EPIPE"},
  {"reset", reset, kFailed, "ECONNRESET", "ECONNRESET", "EINVAL", "EISCONN", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "ECONNRESET", "ECONNRESET,len0,EPIPE"},
  {"reset, data", reset_data, kFailed, "ECONNRESET", "len5", "EINVAL", "EISCONN", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "ECONNRESET", "len5,ECONNRESET,EPIPE"},
  {"reset, read", reset_read, kGone, "EPIPE", "len0", "EINVAL", "EISCONN", "EINVAL", "ok", "ENOTCONN", "ENOTCONN", "ENOTCONN", "0", "len0,len0,EPIPE"},
};
// clang-format on

class Tcp : public ::testing::TestWithParam<Row> {
 protected:
  Setting make() { return GetParam().make(); }
};

TEST_P(Tcp, Polls) {
  NARU_CHECKS("SOC-029");
  const Setting s = make();
  EXPECT_EQ(bits(poll_now(s.fd, kAll)), GetParam().poll);
  // epoll says the same.
  const Fd set(::epoll_create1(0));
  epoll_event event{static_cast<std::uint32_t>(kAll), {}};
  ASSERT_EQ(::epoll_ctl(set, EPOLL_CTL_ADD, s.fd, &event), 0);
  event.events = 0;
  (void)::epoll_wait(set, &event, 1, 0);
  EXPECT_EQ(bits(static_cast<short>(event.events)), GetParam().poll);
}

TEST_P(Tcp, Selects) {
  NARU_CHECKS("SOC-029");
  const Setting s = make();
  fd_set in;
  fd_set out;
  fd_set err;
  for (fd_set* set : {&in, &out, &err}) {
    FD_ZERO(set);
    FD_SET(static_cast<int>(s.fd), set);
  }
  timeval now{};
  (void)::select(s.fd + 1, &in, &out, &err, &now);
  const std::string poll = GetParam().poll;
  const auto says = [&](const char* bit) { return poll.find(bit) != std::string::npos; };
  EXPECT_EQ(FD_ISSET(static_cast<int>(s.fd), &in), says("RDNORM") || says("HUP"));
  EXPECT_EQ(FD_ISSET(static_cast<int>(s.fd), &out), says("OUT"));
  EXPECT_FALSE(FD_ISSET(static_cast<int>(s.fd), &err));
}

TEST_P(Tcp, Sends) {
  NARU_CHECKS("SOC-018");
  const Setting s = make();
  EXPECT_EQ(word(send(s.fd, "x")), GetParam().send);
}

TEST_P(Tcp, Receives) {
  NARU_CHECKS("SOC-020");
  const Setting s = make();
  EXPECT_EQ(receive(s.fd), GetParam().recv);
  const Setting again = make();
  std::string sequence = receive(again.fd) + ",";
  sequence += receive(again.fd) + ",";
  sequence += word(send(again.fd, "x"));
  EXPECT_EQ(sequence, GetParam().sequence);
}

TEST_P(Tcp, AcceptsConnectsListensBinds) {
  NARU_CHECKS("SOC-009", "SOC-011", "SOC-008", "SOC-004");
  EXPECT_EQ(ok(Fd(::accept(make().fd, nullptr, nullptr))), GetParam().accept);
  const Fd somebody = listener();
  EXPECT_EQ(ok(connect(make().fd, name_of(somebody))), GetParam().connect);
  EXPECT_EQ(ok(::listen(make().fd, 5)), GetParam().listen);
  EXPECT_EQ(ok(bind(make().fd, v4(0))), GetParam().bind);
}

TEST_P(Tcp, ShutsDown) {
  NARU_CHECKS("SOC-026");
  EXPECT_EQ(ok(::shutdown(make().fd, SHUT_RD)), GetParam().shut_read);
  EXPECT_EQ(ok(::shutdown(make().fd, SHUT_WR)), GetParam().shut_write);
  EXPECT_EQ(error_of(::shutdown(make().fd, 7)), EINVAL);
}

TEST_P(Tcp, TellsPeerAndError) {
  NARU_CHECKS("SOC-038", "SOC-033");
  const Setting s = make();
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  EXPECT_EQ(ok(::getpeername(s.fd, generic(peer), &size)), GetParam().peer_name);
  const int error = get(s.fd, SOL_SOCKET, SO_ERROR);
  EXPECT_EQ(error == 0 ? "0" : ::strerrorname_np(error), std::string(GetParam().error));
  EXPECT_EQ(get(s.fd, SOL_SOCKET, SO_ERROR), 0);
}

std::string name_of_row(const ::testing::TestParamInfo<Row>& info) {
  std::string name;
  for (const char c : std::string_view(info.param.state)) {
    if (std::isalnum(c) != 0) name += c;
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(States, Tcp, ::testing::ValuesIn(kRows), name_of_row);

// --- states in which calls wait -----------------------------------------------------------------

// SYN-SENT: send and recv wait for the connection.
TEST(TcpBlocking, WaitsInSynSent) {
  NARU_CHECKS("SOC-018", "SOC-020");
  const Setting s = syn_sent();
  ::fcntl(s.fd, F_SETFL, 0);
  set_timeout(s.fd, SO_RCVTIMEO, kSoon);
  set_timeout(s.fd, SO_SNDTIMEO, kSoon);
  EXPECT_EQ(receive(s.fd), "EAGAIN");
  EXPECT_EQ(word(send(s.fd, "x")), "EAGAIN");
}

TEST(TcpBlocking, ErrorsWakeWhoWaits) {
  NARU_CHECKS("SOC-018", "SOC-020", "SOC-032");
  for (const bool sends : {false, true}) {
    auto [client, server] = connected();
    std::string got;
    std::thread waiter([&, fd = static_cast<int>(client)] {
      if (!sends) {
        got = receive(fd);
        return;
      }
      const std::string much(1 << 16, 'x');
      while (send(fd, much) > 0) {
      }
      got = ::strerrorname_np(errno);
    });
    sleep_ms(kSoon);
    set_linger(server, 1, 0);
    server.close();
    waiter.join();
    EXPECT_EQ(got, "ECONNRESET") << sends;
  }
}

TEST(Shutdown, FinFollowsWhatWasSent) {
  NARU_CHECKS("SOC-026");
  const auto [client, server] = connected();
  const std::string much(300'000, 'x');
  std::string got;
  std::thread reader([&, fd = static_cast<int>(server)] {
    for (std::string piece; !(piece = recv(fd, 0, 65'536)).empty();) got += piece;
  });
  EXPECT_EQ(send(client, much), static_cast<long>(much.size()));
  EXPECT_EQ(::shutdown(client, SHUT_WR), 0);
  reader.join();
  EXPECT_EQ(got, much);
}

TEST(Shutdown, OfAListenerMakesItAnUnconnectedOne) {
  NARU_CHECKS("SOC-026");
  const Fd l = listener();
  const std::uint16_t port = port_of(l);
  ASSERT_EQ(::shutdown(l, SHUT_RD), 0);
  EXPECT_EQ(error_of(::accept(l, nullptr, nullptr)), EINVAL);
  EXPECT_EQ(error_of(connect(tcp(), v4(port))), ECONNREFUSED);
  EXPECT_EQ(error_of(::listen(l, 1)), 0);
  const Fd c = tcp();
  EXPECT_EQ(error_of(connect(c, name_of(l))), 0);
}

TEST(Shutdown, OfReadingWakesWhoReads) {
  NARU_CHECKS("SOC-026", "SOC-027");
  const auto [client, server] = connected();
  std::string got = "nothing";
  std::thread reader([&, fd = static_cast<int>(client)] { got = receive(fd); });
  sleep_ms(kSoon);
  EXPECT_EQ(::shutdown(client, SHUT_RD), 0);
  reader.join();
  EXPECT_EQ(got, "len0");
}

TEST(Shutdown, WakesWhoAccepts) {
  NARU_CHECKS("SOC-026", "SOC-027");
  const Fd l = listener();
  int error = 0;
  std::thread acceptor(
      [&, fd = static_cast<int>(l)] { error = error_of(::accept(fd, nullptr, nullptr)); });
  sleep_ms(kSoon);
  EXPECT_EQ(::shutdown(l, SHUT_RDWR), 0);
  acceptor.join();
  EXPECT_EQ(error, EINVAL);
}

// --- datagrams --------------------------------------------------------------------------------

struct UdpRow {
  const char* state;
  Setting (*make)();
  const char* poll;
  const char* send;
  const char* recv;
  const char* shut_write;
  const char* peer_name;
  const char* bind;
};

Setting udp_unbound() { return {udp(SOCK_NONBLOCK), {}, {}}; }
Setting udp_bound() { return {bound_udp(SOCK_NONBLOCK), {}, {}}; }
Setting udp_connected() {
  Setting s{udp(SOCK_NONBLOCK), bound_udp(), {}};
  EXPECT_EQ(connect(s.fd, name_of(s.peer)), 0);
  return s;
}
Setting udp_refused() {
  Setting s = udp_connected();
  s.peer.close();
  EXPECT_EQ(send(s.fd, "x"), 1);
  EXPECT_TRUE(wait_for(s.fd, POLLERR));
  return s;
}
Setting udp_empty_datagram() {
  Setting s{bound_udp(SOCK_NONBLOCK), udp(), {}};
  EXPECT_EQ(connect(s.peer, name_of(s.fd)), 0);
  EXPECT_EQ(send(s.peer, ""), 0);
  EXPECT_TRUE(wait_for(s.fd, POLLIN));
  return s;
}
Setting udp_shut() {
  Setting s = udp_connected();
  EXPECT_EQ(::shutdown(s.fd, SHUT_RD), 0);
  return s;
}

// clang-format off
constexpr UdpRow kUdpRows[] = {
  {"unbound", udp_unbound, "OUT+WRNORM+WRBAND", "EDESTADDRREQ", "EAGAIN", "ENOTCONN", "ENOTCONN", "ok"},
  {"bound", udp_bound, "OUT+WRNORM+WRBAND", "EDESTADDRREQ", "EAGAIN", "ENOTCONN", "ENOTCONN", "EINVAL"},
  {"connected", udp_connected, "OUT+WRNORM+WRBAND", "1", "EAGAIN", "ok", "ok", "EINVAL"},
  {"refused", udp_refused, "OUT+ERR+WRNORM+WRBAND", "ECONNREFUSED", "ECONNREFUSED", "ok", "ok", "EINVAL"},
  {"empty datagram", udp_empty_datagram, "IN+OUT+RDNORM+WRNORM+WRBAND", "EDESTADDRREQ", "len0", "ENOTCONN", "ENOTCONN", "EINVAL"},
  {"shut read", udp_shut, "IN+OUT+RDNORM+WRNORM+WRBAND+RDHUP", "1", "EAGAIN", "ok", "ok", "EINVAL"},
};
// clang-format on

class Udp : public ::testing::TestWithParam<UdpRow> {
 protected:
  Setting make() { return GetParam().make(); }
};

long send_to(int fd, std::size_t size, const sockaddr_in& to) {
  const std::string bytes(size, 'x');
  return ::sendto(fd, bytes.data(), bytes.size(), 0, generic(to), sizeof to);
}

TEST_P(Udp, AnswersAsLinux) {
  NARU_CHECKS("SOC-029", "SOC-018", "SOC-020", "SOC-026", "SOC-038");
  const Setting s = make();
  EXPECT_EQ(bits(poll_now(s.fd, kAll)), GetParam().poll);
  EXPECT_EQ(word(send(s.fd, "x")), GetParam().send);
  EXPECT_EQ(receive(make().fd), GetParam().recv);
  EXPECT_EQ(ok(::shutdown(make().fd, SHUT_WR)), GetParam().shut_write);
  sockaddr_in peer{};
  socklen_t size = sizeof peer;
  EXPECT_EQ(ok(::getpeername(make().fd, generic(peer), &size)), GetParam().peer_name);
  EXPECT_EQ(ok(bind(make().fd, v4(0))), GetParam().bind);
}

TEST_P(Udp, RefusesDatagramsThatCannotBe) {
  NARU_CHECKS("SOC-024", "SOC-008", "SOC-009");
  EXPECT_EQ(error_of(send_to(make().fd, 1, v4(0))), EINVAL);
  EXPECT_EQ(error_of(send_to(make().fd, 65'508, v4(9))), EMSGSIZE);
  EXPECT_EQ(error_of(send_to(make().fd, 1, v4(9, INADDR_BROADCAST))), EACCES);
  EXPECT_EQ(error_of(::listen(make().fd, 1)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::accept(make().fd, nullptr, nullptr)), EOPNOTSUPP);
}

INSTANTIATE_TEST_SUITE_P(States, Udp, ::testing::ValuesIn(kUdpRows),
                         [](const ::testing::TestParamInfo<UdpRow>& info) {
                           std::string name(info.param.state);
                           std::erase(name, ' ');
                           return name;
                         });

}  // namespace
}  // namespace naru::sockets
