// The first page of a session's memory.
//
//   kSharedArenaAddress
//   | Header | tables: an arena of their own | the arena of the stack           |
//
// Every process of the session maps the file at this address, so that pointers
// into it are plain pointers.
#pragma once

#include <array>
#include <atomic>
#include <cstring>
#include <pthread.h>
#include <span>
#include <string_view>

#include <naru/stack/stack.hpp>

#include "session/batch.hpp"
#include "session/cable.hpp"
#include "session/tables.hpp"

namespace naru::session {

inline constexpr std::size_t kHeaderSize = 65'536;
// How often the keeper looks at the cable while programs run that may not.
inline constexpr Duration kKeeperTick = 2ms;

// Builds that lay the memory out differently must not meet: whoever changes one of
// these types without changing its size raises the number.
inline constexpr std::uint64_t kLayoutVersion = 7;

constexpr std::uint64_t layout_fingerprint() {
  std::uint64_t hash = kLayoutVersion;
  for (const std::size_t size :
       {sizeof(Process), sizeof(OpenSocket), sizeof(Waiter), sizeof(Watch), sizeof(Tables),
        sizeof(Counters), sizeof(Options), sizeof(TcpInfo), sizeof(Port)}) {
    hash = (hash ^ size) * 0x100000001b3ULL;
  }
  return hash;
}

// Whom the session's programs ask for names; none: with a device those whom the machine asks.
// With the lock, since a lease may bring others.
struct NameServers {
  static constexpr std::size_t kMost = 3;  // MAXNS of resolv.conf(5)

  std::array<IpAddr, kMost> addresses;
  std::uint32_t count = 0;
  // Domains that came with them, a space before each; none: those of the machine.
  std::array<char, 1024> search{};

  std::span<const IpAddr> all() const { return std::span(addresses).first(count); }
  std::string_view domains() const {
    return {search.data(), ::strnlen(search.data(), search.size())};
  }
  // Those that find room.
  void add_search(std::string_view domain) {
    const std::size_t used = domains().size();
    if (used + 1 + domain.size() >= search.size()) return;
    search[used] = ' ';
    domain.copy(search.data() + used + 1, domain.size());
  }
};

struct Header {
  static constexpr std::uint64_t kMagic = 0x6e6f69737365536eULL;  // "nSession"

  std::uint64_t magic = 0;  // set last
  std::uint64_t layout = 0;
  std::uint64_t size = 0;
  std::uint64_t tables_size = 0;
  std::uint64_t id = 0;  // random: names the bells
  char name[64]{};
  Port port;
  NameServers name_servers;
  std::atomic<std::uint32_t> lookout{0};  // the bell of who waits for the device; 0: nobody
  pthread_mutex_t mutex;
  char capture[1024]{};  // the file where frames are written down; empty: nowhere
  StackConfig config;    // to make the stack again after an accident

  bool is_changing = false;       // somebody is inside, and not only forking
  bool is_recovering = false;     // somebody repairs what the dead have left
  std::uint32_t epoch = 0;        // counts the stacks that were made
  std::uint64_t last_serial = 0;  // of the newest OpenSocket
  std::uint32_t last_bell = 0;    // the number of the newest bell
  pid_t keeper = 0;
  std::uint64_t keeper_start_time = 0;
  std::uint32_t keeper_bell = 0;
  bool was_joined = false;         // by a program: else the first is still on its way
  Time keeper_wakes = kTimeNever;  // when the keeper looks next by itself
  Batch batch;
  bool knocks_wanted = false;         // by who cannot knock himself
  std::uint64_t visits = 0;           // how often somebody other than it has been inside
  std::uint64_t unknown_options = 0;  // of socket calls: answered ENOPROTOOPT
  std::atomic<int> spinners{0};
  std::atomic<std::uint32_t> spins{0};
  std::atomic<std::int64_t> spin_ns{0};    // how long it pays lately: see sleep.cpp
  std::atomic<Time> yields_again{Time{}};  // when giving way is tried again

  Tables tables;

  std::byte* base() { return reinterpret_cast<std::byte*>(this); }
  void* tables_base() { return base() + kHeaderSize; }
  void* stack_base() { return base() + kHeaderSize + tables_size; }
  std::size_t stack_size() const { return size - kHeaderSize - tables_size; }
};
static_assert(sizeof(Header) <= kHeaderSize);

}  // namespace naru::session
