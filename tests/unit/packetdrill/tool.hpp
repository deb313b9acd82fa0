// Tool: what packetdrill does with the shared object, without its language.
//
//   Tool tool("mtu=1280");
//   tool.send(tcp().syn().mss(1460));       an IP packet toward the host
//   tool.expect(tcp().syn().ack(1));        the next one from it
#pragma once

#include <dlfcn.h>
#include <future>
#include <netinet/in.h>
#include <string>

#include <gtest/gtest.h>

#include "dsl/segment.hpp"
#include "packetdrill/interface.hpp"

namespace naru::test {

class Tool {
 public:
  static constexpr IpAddr kLocal = IpAddr::v4(192, 168, 0, 1);
  static constexpr IpAddr kRemote = IpAddr::v4(192, 0, 2, 1);

  explicit Tool(const std::string& flags = "") {
    load()(flags.c_str(), &api);
    // The peer of scripts: 192.0.2.1:8080 with ISS 0, as the tool has it.
    peer_.path.src = kRemote;
    peer_.path.dst = kLocal;
    peer_.sport = peer_.dport = 8080;
  }

  packetdrill_interface api{};
  void* user() const { return api.userdata; }

  // --- the wire ---
  void send(const Segment& segment) {
    const Buffer frame = segment.render(peer_);
    if (segment.first(peer_) == peer_.snd_nxt) peer_.snd_nxt += segment.sequence_length();
    EXPECT_EQ(api.netdev_send(user(), frame.data() + 14, frame.size() - 14), 0);
  }
  Seen expect(const Segment& expected) {
    Buffer packet(65'536);
    std::size_t size = packet.size();
    long long usec = 0;
    EXPECT_EQ(api.netdev_receive(user(), packet.data(), &size, &usec), 0);
    if (size == 0) {
      ADD_FAILURE() << "nothing was sent; expected " << expected.to_string();
      return {};
    }
    Frame frame{Time(std::chrono::microseconds(usec)), {}};
    frame.bytes.resize(12);
    append16(frame.bytes, 0x0800);
    append(frame.bytes, Bytes(packet).first(size));
    EXPECT_EQ(flaw(frame), "");
    const auto header = *wire::TcpView::parse(frame.ipv4().payload());
    if ((header.flags() & wire::kSyn) != 0) {
      peer_.irs = peer_.rcv_nxt = header.seq();
      peer_.dport = header.src_port();
    }
    Segment::Side host;
    host.iss = peer_.irs;
    EXPECT_EQ(expected.differences(frame, host), "") << "got " << frame.to_string(Time());
    Seen seen = Seen::of(frame, host);
    peer_.rcv_nxt = peer_.irs + seen.end();
    return seen;
  }
  // Whether the host would ever send anything again.
  bool is_silent() {
    Buffer packet(65'536);
    std::size_t size = packet.size();
    long long usec = 0;
    EXPECT_EQ(api.netdev_receive(user(), packet.data(), &size, &usec), 0);
    return size == 0;
  }

  // --- the clock ---
  Duration now() {
    timeval tv{};
    EXPECT_EQ(api.gettimeofday(user(), &tv, nullptr), 0);
    return std::chrono::seconds(tv.tv_sec) + std::chrono::microseconds(tv.tv_usec);
  }
  // As the tool sleeps: it asks for 20 microseconds less than it wants.
  void sleep(Duration duration) {
    api.usleep(user(), static_cast<useconds_t>(duration / 1us - 20));
  }

  // --- sockets ---
  int socket(int domain = AF_INET) { return api.socket(user(), domain, SOCK_STREAM, 0); }
  static sockaddr_in address(const IpAddr& addr, std::uint16_t port = 8080) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    v4.sin_addr.s_addr = htonl(addr.to_v4());
    return v4;
  }
  int bind(int fd) {
    const sockaddr_in local = address(kLocal);
    return api.bind(user(), fd, reinterpret_cast<const sockaddr*>(&local), sizeof local);
  }
  int connect(int fd) {
    const sockaddr_in remote = address(kRemote);
    return api.connect(user(), fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote);
  }
  int accept(int fd, sockaddr_in* from = nullptr) {
    socklen_t length = sizeof *from;
    return api.accept(user(), fd, reinterpret_cast<sockaddr*>(from),
                      from == nullptr ? nullptr : &length);
  }
  int listener() {
    const int fd = socket();
    EXPECT_EQ(bind(fd), 0);
    EXPECT_EQ(api.listen(user(), fd, 1), 0);
    return fd;
  }
  // The script's usual beginning.
  int establish(const Segment& syn = tcp().mss(1460)) {
    const int fd = listener();
    send(Segment(syn).syn());
    expect(tcp().syn().ack(1));
    send(tcp().ack());
    const int child = accept(fd);
    EXPECT_GE(child, 0);
    return child;
  }

 private:
  using Init = decltype(&packetdrill_interface_init);

  // As the tool loads it, but for RTLD_DEEPBIND, which the sanitizers forbid.
  static Init load() {
    Dl_info info{};
    EXPECT_NE(::dladdr(reinterpret_cast<void*>(&packetdrill_interface_init), &info), 0);
    void* library = ::dlopen(info.dli_fname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    EXPECT_NE(library, nullptr) << ::dlerror();
    return reinterpret_cast<Init>(::dlsym(library, "packetdrill_interface_init"));
  }

  Segment::Side peer_;
};

}  // namespace naru::test
