// The host of host.hpp over lwIP's raw API. Everything with a name visible outside is
// extern "C", so that `twin` can rename it.
#include "host.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "limits/checksum.hpp"

extern "C" {
#include "lwip/etharp.h"
#include "lwip/init.h"
#include "lwip/memp.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/tcp.h"
#include "lwip/timeouts.h"
#include "netif/ethernet.h"
}

namespace naru::bench::lwip {

struct Connection {
  tcp_pcb* pcb;
  pbuf* head;  // received and not read: pbufs linked by their own next
  pbuf* tail;
  std::size_t offset;  // read of head
  Connection* next;    // in the accept queue or the free list
  bool established;
  bool fin;
};

namespace {

constexpr std::size_t kRxRing = 4096;
constexpr std::size_t kMaxPieces = 16;
// A received frame lies in one piece; the pool of Debian's liblwip is too small for that.
constexpr pbuf_type kFrameBuffer = NO_SYS ? PBUF_POOL : PBUF_RAM;

// The host's own state, beside lwIP's.
std::uint32_t now_ms;
netif interface;
Transmit transmit;
void* transmit_context;
std::array<pbuf*, kRxRing> rx_ring;
std::size_t rx_head;
std::size_t rx_tail;
Connection* free_connections;
Connection* accepted_first;
Connection* accepted_last;

[[noreturn]] void give_up(const char* what) {
  std::fprintf(stderr, "bench: lwIP: %s\n", what);
  std::exit(1);
}

// ---- the wire

err_t link_output(netif*, pbuf* frame) {
  std::array<Piece, kMaxPieces> pieces;
  std::size_t n = 0;
  std::size_t skip = ETH_PAD_SIZE;
  for (const pbuf* p = frame; p != nullptr; p = p->next) {
    if (n == kMaxPieces) return ERR_BUF;
    pieces[n++] = {static_cast<const std::uint8_t*>(p->payload) + skip, p->len - skip};
    skip = 0;
  }
  transmit(transmit_context, {pieces.data(), n});
  return ERR_OK;
}

err_t interface_up(netif* n) {
  n->name[0] = 'e';
  n->name[1] = 'n';
  n->mtu = LWIP_BENCH_MTU;
  n->hwaddr_len = ETH_HWADDR_LEN;
  n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
  n->output = etharp_output;
  n->linkoutput = link_output;
  return ERR_OK;
}

void receive(void*, Pieces frame) {
  const std::size_t size = total_size(frame);
  if (rx_tail - rx_head == kRxRing || size > LWIP_BENCH_MTU + SIZEOF_ETH_HDR) return;
  pbuf* p = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(size + ETH_PAD_SIZE), kFrameBuffer);
  if (p == nullptr) return;
  auto* to = static_cast<std::uint8_t*>(p->payload) + ETH_PAD_SIZE;
  for (const Piece& piece : frame) {
    std::memcpy(to, piece.data, piece.size);
    to += piece.size;
  }
  rx_ring[rx_tail++ % kRxRing] = p;
}

void poll(std::int64_t now_ns) {
  const auto ms = static_cast<std::uint32_t>(now_ns / 1'000'000);
  if (ms != now_ms || !NO_SYS) {
    now_ms = ms;
    sys_check_timeouts();
  }
  for (const std::size_t end = rx_tail; rx_head != end; ++rx_head) {
    pbuf* p = rx_ring[rx_head % kRxRing];
    if (ethernet_input(p, &interface) != ERR_OK) pbuf_free(p);
  }
}

std::int64_t next_deadline_ns() {
  return (std::int64_t{now_ms} + sys_timeouts_sleeptime()) * 1'000'000;
}

// ---- connections

Connection* new_connection(tcp_pcb* pcb) {
  Connection* c = free_connections;
  if (c == nullptr) {
    c = static_cast<Connection*>(std::malloc(sizeof(Connection)));
    if (c == nullptr) give_up("no memory");
  } else {
    free_connections = c->next;
  }
  *c = {};
  c->pcb = pcb;
  return c;
}

void append(Connection& c, pbuf* p) {
  (c.tail == nullptr ? c.head : c.tail->next) = p;
  while (p->next != nullptr) p = p->next;
  c.tail = p;
}

// Takes the first pbuf off the queue and frees it.
void pop(Connection& c) {
  pbuf* p = c.head;
  c.head = p->next;
  if (c.head == nullptr) c.tail = nullptr;
  p->next = nullptr;
  pbuf_free(p);
  c.offset = 0;
}

err_t on_recv(void* arg, tcp_pcb*, pbuf* p, err_t) {
  auto& c = *static_cast<Connection*>(arg);
  if (p == nullptr) {
    c.fin = true;
  } else {
    append(c, p);
  }
  return ERR_OK;
}

void on_error(void* arg, err_t) {
  auto& c = *static_cast<Connection*>(arg);
  c.pcb = nullptr;
}

void watch(Connection* c) {
  tcp_arg(c->pcb, c);
  tcp_recv(c->pcb, on_recv);
  tcp_err(c->pcb, on_error);
}

err_t on_accept(void*, tcp_pcb* pcb, err_t error) {
  if (pcb == nullptr || error != ERR_OK) return ERR_VAL;
  Connection* c = new_connection(pcb);
  c->established = true;
  watch(c);
  (accepted_last == nullptr ? accepted_first : accepted_last->next) = c;
  accepted_last = c;
  return ERR_OK;
}

err_t on_connected(void* arg, tcp_pcb*, err_t error) {
  static_cast<Connection*>(arg)->established = error == ERR_OK;
  return ERR_OK;
}

void listen(std::uint16_t port) {
  tcp_pcb* pcb = tcp_new();
  if (pcb == nullptr || tcp_bind(pcb, IP4_ADDR_ANY, port) != ERR_OK) give_up("bind failed");
  pcb = tcp_listen(pcb);
  if (pcb == nullptr) give_up("listen failed");
  tcp_accept(pcb, on_accept);
}

Connection* accept() {
  Connection* c = accepted_first;
  if (c == nullptr) return nullptr;
  accepted_first = c->next;
  if (accepted_first == nullptr) accepted_last = nullptr;
  return c;
}

Connection* connect(std::uint8_t number, std::uint16_t port) {
  tcp_pcb* pcb = tcp_new();
  if (pcb == nullptr) give_up("no PCB for another connection");
  Connection* c = new_connection(pcb);
  watch(c);
  ip_addr_t to;
  IP_ADDR4(&to, 10, 0, 0, number);
  if (tcp_connect(pcb, &to, port, on_connected) != ERR_OK) give_up("connect failed");
  return c;
}

bool established(const Connection* c) { return c->established; }
bool at_end(const Connection* c) { return c->fin && c->head == nullptr; }

// As lwIP's own sockets do it: not before half of what is asked, or of the buffer, fits
// (SO_SNDLOWAT), so that segments are full.
std::size_t send(Connection* c, const std::uint8_t* data, std::size_t size) {
  if (c->pcb == nullptr) return 0;
  const std::size_t space = c->pcb->snd_buf;  // tcp_sndbuf() stops at 65535
  if (space < std::min<std::size_t>(size, TCP_SNDLOWAT)) return 0;
  const std::size_t total = std::min(size, space);
  const std::size_t most = 0xffff / tcp_mss(c->pcb) * tcp_mss(c->pcb);
  std::size_t sent = 0;
  while (sent < total) {
    const auto n = static_cast<u16_t>(std::min(total - sent, most));
    if (tcp_write(c->pcb, data + sent, n, TCP_WRITE_FLAG_COPY) != ERR_OK) break;
    sent += n;
  }
  tcp_output(c->pcb);
  return sent;
}

void window_opens(Connection& c, std::size_t size) {
  while (size > 0 && c.pcb != nullptr) {
    const auto n = static_cast<u16_t>(std::min<std::size_t>(size, 0xffff));
    tcp_recved(c.pcb, n);
    size -= n;
  }
}

std::size_t recv(Connection* c, std::uint8_t* data, std::size_t size) {
  std::size_t got = 0;
  while (c->head != nullptr && got < size) {
    const std::size_t n = std::min(size - got, c->head->len - c->offset);
    std::memcpy(data + got, static_cast<const std::uint8_t*>(c->head->payload) + c->offset, n);
    got += n;
    c->offset += n;
    if (c->offset == c->head->len) pop(*c);
  }
  window_opens(*c, got);
  return got;
}

void close(Connection* c) {
  while (c->head != nullptr) pop(*c);
  if (c->pcb != nullptr) {
    tcp_arg(c->pcb, nullptr);
    tcp_recv(c->pcb, nullptr);
    tcp_err(c->pcb, nullptr);
    if (tcp_close(c->pcb) != ERR_OK) give_up("close failed");
  }
  c->next = free_connections;
  free_connections = c;
}

// The pool's size is fixed when lwIP is compiled; a row that wants fewer control blocks
// (TIME_WAIT counts) takes the rest away.
void limit_connections([[maybe_unused]] unsigned limit) {
#if MEMP_MEM_MALLOC
  if (limit > 0) give_up("Debian's liblwip has no bound on connections");
#else
  if (limit > MEMP_NUM_TCP_PCB) give_up("more connections than MEMP_NUM_TCP_PCB");
  for (unsigned i = limit; limit > 0 && i < MEMP_NUM_TCP_PCB; ++i) memp_malloc(MEMP_TCP_PCB);
#endif
}

void start(const HostConfig& config, Transmit to, void* context) {
  transmit = to;
  transmit_context = context;
  lwip_init();
  limit_connections(config.connections);
  ip4_addr_t address;
  ip4_addr_t mask;
  ip4_addr_t gateway;
  IP4_ADDR(&address, 10, 0, 0, config.number);
  IP4_ADDR(&mask, 255, 255, 255, 0);
  IP4_ADDR(&gateway, 0, 0, 0, 0);
  const std::array<u8_t, ETH_HWADDR_LEN> mac{2, 0, 0, 0, 0, config.number};
  std::memcpy(interface.hwaddr, mac.data(), mac.size());
  if (netif_add(&interface, &address, &mask, &gateway, nullptr, interface_up, ethernet_input) ==
      nullptr) {
    give_up("netif_add failed");
  }
  netif_set_default(&interface);
  netif_set_up(&interface);
}

std::size_t idle_bytes() { return memp_pools[MEMP_TCP_PCB]->size; }

}  // namespace
}  // namespace naru::bench::lwip

extern "C" {

[[gnu::visibility("default")]] extern const naru::bench::lwip::HostApi lwip_host;
const naru::bench::lwip::HostApi lwip_host = {
    .start = naru::bench::lwip::start,
    .receive = naru::bench::lwip::receive,
    .poll = naru::bench::lwip::poll,
    .next_deadline_ns = naru::bench::lwip::next_deadline_ns,
    .listen = naru::bench::lwip::listen,
    .accept = naru::bench::lwip::accept,
    .connect = naru::bench::lwip::connect,
    .established = naru::bench::lwip::established,
    .send = naru::bench::lwip::send,
    .recv = naru::bench::lwip::recv,
    .at_end = naru::bench::lwip::at_end,
    .close = naru::bench::lwip::close,
    .idle_bytes = naru::bench::lwip::idle_bytes,
    .mtu = LWIP_BENCH_MTU,
    .checksums = CHECKSUM_CHECK_TCP != 0,
    .real_clock = !NO_SYS,
};

// Debian's liblwip has a clock and checksums of its own.
#if NO_SYS
std::uint32_t sys_now() { return naru::bench::lwip::now_ms; }

std::uint16_t naru_bench_checksum(const void* data, int length) {
  return naru::bench::checksum(data, static_cast<std::size_t>(length));
}

std::uint16_t naru_bench_copy_and_checksum(void* to, const void* from, std::uint16_t length) {
  return naru::bench::copy_and_checksum(to, from, length);
}
#endif

}  // extern "C"
