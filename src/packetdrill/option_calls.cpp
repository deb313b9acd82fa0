// Options: getsockopt, setsockopt, fcntl, ioctl.

// Linux's own <linux/tcp.h> has the whole tcp_info; <netinet/tcp.h> has half of it.
#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <optional>
#include <sys/ioctl.h>

#include "packetdrill/address.hpp"
#include "packetdrill/machine.hpp"

namespace naru::packetdrill {
namespace {

struct Name {
  int level;
  int name;
  SocketOption option;
};

// Those whose value is an int.
constexpr Name kNames[] = {
    {SOL_SOCKET, SO_REUSEADDR, SocketOption::reuse_address},
    {SOL_SOCKET, SO_REUSEPORT, SocketOption::reuse_port},
    {SOL_SOCKET, SO_KEEPALIVE, SocketOption::keep_alive},
    {SOL_SOCKET, SO_SNDBUF, SocketOption::send_buffer},
    {SOL_SOCKET, SO_RCVBUF, SocketOption::receive_buffer},
    {SOL_SOCKET, SO_BROADCAST, SocketOption::broadcast},
    {SOL_SOCKET, SO_OOBINLINE, SocketOption::oob_inline},
    {SOL_SOCKET, SO_TYPE, SocketOption::type},
    {SOL_SOCKET, SO_ACCEPTCONN, SocketOption::accepting},
    {IPPROTO_TCP, TCP_NODELAY, SocketOption::no_delay},
    {IPPROTO_TCP, TCP_CORK, SocketOption::cork},
    {IPPROTO_TCP, TCP_MAXSEG, SocketOption::max_segment},
    {IPPROTO_TCP, TCP_KEEPIDLE, SocketOption::keep_idle},
    {IPPROTO_TCP, TCP_KEEPINTVL, SocketOption::keep_interval},
    {IPPROTO_TCP, TCP_KEEPCNT, SocketOption::keep_count},
    {IPPROTO_TCP, TCP_SYNCNT, SocketOption::syn_count},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, SocketOption::user_timeout},
    {IPPROTO_TCP, TCP_LINGER2, SocketOption::linger2},
    {IPPROTO_TCP, TCP_QUICKACK, SocketOption::quick_ack},
    {IPPROTO_TCP, TCP_DEFER_ACCEPT, SocketOption::defer_accept},
    {IPPROTO_IP, IP_TTL, SocketOption::ttl},
    {IPPROTO_IP, IP_MULTICAST_TTL, SocketOption::multicast_ttl},
    {IPPROTO_IP, IP_TOS, SocketOption::tos},
    {IPPROTO_IP, IP_MTU_DISCOVER, SocketOption::mtu_discover},
    {IPPROTO_IP, IP_RECVERR, SocketOption::receive_error},
};

std::optional<SocketOption> find_option(int level, int name) {
  const auto* found = std::find_if(std::begin(kNames), std::end(kNames), [&](const Name& n) {
    return n.level == level && n.name == name;
  });
  if (found == std::end(kNames)) return std::nullopt;
  return found->option;
}

// As getsockopt(2): no more than *length bytes, and *length is what was written.
int give(const void* from, std::size_t size, void* value, socklen_t* length) {
  const std::size_t n = std::min<std::size_t>(*length, size);
  std::memcpy(value, from, n);
  *length = static_cast<socklen_t>(n);
  return 0;
}
int give_int(std::int64_t number, void* value, socklen_t* length) {
  const int v = static_cast<int>(number);
  return give(&v, sizeof v, value, length);
}

// Linux's numbers of the states.
std::uint8_t linux_state(TcpState state) {
  static constexpr std::uint8_t kNumbers[] = {7, 10, 2, 3, 1, 4, 5, 8, 11, 9, 6};
  return kNumbers[static_cast<std::size_t>(state)];
}

std::uint32_t in_us(Duration d) { return static_cast<std::uint32_t>(d / 1us); }

tcp_info to_linux(const TcpInfo& info) {
  tcp_info out{};
  out.tcpi_state = linux_state(info.state);
  out.tcpi_ca_state = info.recovery;
  out.tcpi_retransmits = info.retransmits;
  out.tcpi_probes = info.probes;
  out.tcpi_backoff = info.backoff;
  out.tcpi_options = static_cast<std::uint8_t>((info.timestamps ? TCPI_OPT_TIMESTAMPS : 0) |
                                               (info.sack ? TCPI_OPT_SACK : 0) |
                                               (info.window_scaling ? TCPI_OPT_WSCALE : 0));
  out.tcpi_snd_wscale = info.send_scale & 0xfU;
  out.tcpi_rcv_wscale = info.receive_scale & 0xfU;
  out.tcpi_rto = in_us(info.rto);
  out.tcpi_snd_mss = info.send_mss;
  out.tcpi_rcv_mss = info.receive_mss;
  out.tcpi_unacked = info.unacked;
  out.tcpi_sacked = info.sacked;
  out.tcpi_lost = info.lost;
  out.tcpi_retrans = info.retransmitted;
  out.tcpi_pmtu = info.path_mtu;
  out.tcpi_rtt = in_us(info.srtt);
  out.tcpi_rttvar = in_us(info.rttvar);
  out.tcpi_snd_ssthresh = info.ssthresh;
  out.tcpi_snd_cwnd = info.cwnd;
  out.tcpi_advmss = info.advertised_mss;
  out.tcpi_reordering = info.reordering;
  out.tcpi_rcv_space = info.receive_space;
  out.tcpi_total_retrans = info.total_retransmits;
  out.tcpi_bytes_acked = info.bytes_acked;
  out.tcpi_bytes_received = info.bytes_received;
  out.tcpi_segs_out = info.segments_out;
  out.tcpi_segs_in = info.segments_in;
  out.tcpi_notsent_bytes = info.send_queue;
  out.tcpi_min_rtt = in_us(info.min_rtt);
  out.tcpi_delivered = info.delivered;
  out.tcpi_snd_wnd = info.send_window;
  return out;
}

constexpr std::string_view kAlgorithms[] = {"reno", "cubic"};  // by naru's numbers

Result<std::int64_t> read_value(int level, int name, const void* value, socklen_t length) {
  if (level == SOL_SOCKET && name == SO_LINGER) {
    linger l{};
    if (length < sizeof l) return std::unexpected(Error::invalid);
    std::memcpy(&l, value, sizeof l);
    return l.l_onoff == 0 ? -1 : l.l_linger;
  }
  if (level == IPPROTO_TCP && name == TCP_CONGESTION) {
    std::string_view text(static_cast<const char*>(value), length);
    text = text.substr(0, text.find('\0'));
    const auto* found = std::find(std::begin(kAlgorithms), std::end(kAlgorithms), text);
    if (found == std::end(kAlgorithms)) return std::unexpected(Error::not_found);
    return found - std::begin(kAlgorithms);
  }
  // The tool may write one byte where Linux wants an int.
  if (length == 1) return *static_cast<const std::uint8_t*>(value);
  int v = 0;
  if (length < sizeof v) return std::unexpected(Error::invalid);
  std::memcpy(&v, value, sizeof v);
  return v;
}

std::optional<SocketOption> writable_option(int level, int name) {
  if (level == SOL_SOCKET && name == SO_LINGER) return SocketOption::linger;
  if (level == IPPROTO_TCP && name == TCP_CONGESTION) return SocketOption::congestion_control;
  return find_option(level, name);
}

}  // namespace

int Machine::setsockopt(int fd, int level, int name, const void* value, socklen_t length) {
  Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  const auto option = writable_option(level, name);
  if (!option) return fail(ENOPROTOOPT);
  if (value == nullptr) return fail(EFAULT);
  const Result<std::int64_t> number = read_value(level, name, value, length);
  if (!number) return fail(number.error());
  const Status status = world_->stack().set_option(d->socket, *option, *number);
  world_->settle(lock);
  return answer(status);
}

int Machine::get_info(SocketId socket, void* value, socklen_t* length) {
  // Newer kernels know more fields than our header; the tool asks for theirs.
  static constexpr std::size_t kSize = std::max<std::size_t>(sizeof(tcp_info), 280);
  const Result<TcpInfo> info = world_->stack().tcp_info(socket);
  if (!info) return fail(info.error());
  std::uint8_t bytes[kSize]{};
  const tcp_info out = to_linux(*info);
  std::memcpy(bytes, &out, sizeof out);
  return give(bytes, kSize, value, length);
}

int Machine::getsockopt(int fd, int level, int name, void* value, socklen_t* length) {
  const Lock lock = world_->enter();
  const Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (value == nullptr || length == nullptr) return fail(EFAULT);
  Stack& stack = world_->stack();
  if (level == SOL_SOCKET && name == SO_ERROR) {
    return give_int(to_errno(stack.take_error(d->socket)), value, length);
  }
  if (level == SOL_SOCKET && name == SO_MEMINFO) {
    const std::uint32_t nothing[9]{};
    return give(nothing, sizeof nothing, value, length);
  }
  if (level == IPPROTO_TCP && name == TCP_INFO) return get_info(d->socket, value, length);
  if (level == IPPROTO_TCP && name == TCP_CC_INFO) return give(value, 0, value, length);
  const auto option = writable_option(level, name);
  if (!option) return fail(ENOPROTOOPT);
  const Result<std::int64_t> number = stack.option(d->socket, *option);
  if (!number) return fail(number.error());
  if (option == SocketOption::linger) {
    const linger l{*number >= 0 ? 1 : 0, static_cast<int>(std::max<std::int64_t>(*number, 0))};
    return give(&l, sizeof l, value, length);
  }
  if (option == SocketOption::congestion_control) {
    const std::string_view text = kAlgorithms[static_cast<std::size_t>(*number)];
    return give(text.data(), text.size() + 1, value, length);
  }
  return give_int(*number, value, length);
}

int Machine::fcntl(int fd, int command, int argument) {
  const Lock lock = world_->enter();
  Descriptor* d = fds_.find(fd);
  if (d == nullptr) return -1;
  switch (command) {
    case F_GETFL:
      return O_RDWR | (d->nonblocking ? O_NONBLOCK : 0);
    case F_SETFL:
      d->nonblocking = (argument & O_NONBLOCK) != 0;
      return 0;
    case F_GETFD:
    case F_SETFD:
      return 0;
    default:
      return fail(EINVAL);
  }
}

int Machine::ioctl(int fd, unsigned long request, int* argument) {
  const Lock lock = world_->enter();
  Descriptor* d = fds_.find_socket(fd);
  if (d == nullptr) return -1;
  if (argument == nullptr) return fail(EFAULT);
  if (request == FIONBIO) {
    d->nonblocking = *argument != 0;
    return 0;
  }
  SocketOption option{};
  switch (request) {
    case SIOCINQ:
      option = SocketOption::readable_bytes;
      break;
    case SIOCOUTQ:
      option = SocketOption::unsent_bytes;
      break;
    case SIOCATMARK:
      option = SocketOption::at_mark;
      break;
    default:
      return fail(ENOTTY);
  }
  const Result<std::int64_t> number = world_->stack().option(d->socket, option);
  if (!number) return fail(number.error());
  *argument = static_cast<int>(*number);
  return 0;
}

}  // namespace naru::packetdrill
