// LanLink: a port of a shared-memory Ethernet, on which the programs of one user meet.
//
//   stack A ══ LanLink ══╗                 ╔══ LanLink ══ stack B
//                        ║  file "lan0",   ║
//   stack C ══ LanLink ══╝  mapped by all  ╚══ LanLink ══ stack D
//
// There is no daemon: a lan is a file that its members map; the first to come makes
// it, the last to leave removes it, and whoever comes next clears away after those
// who died. From each member to each other there is a ring of its own with one writer
// and one reader. Frames of up to 64 KiB are copied into it once and out of it once,
// with no system call while the receiver is awake.
//
// The file takes half a megabyte, and for each pair that talks 8 KiB, which grow with
// what lies in the ring up to ring_size: at most 4032 rings, and in practice a few.
//
// Who may: the user who made it. Its members trust each other as processes of one
// user do (each could as well kill the other), but not to be right: whatever one of
// them writes into the file, it costs others frames, never their memory. Cutting the
// file short is like kill(2): it ends those who have it mapped.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <naru/link/link.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

// Where the files of lans are; empty: runtime_folder().
using LanDirectory = std::string;

// The folder of what naru's programs share in memory: $XDG_RUNTIME_DIR/naru; without the
// variable /dev/shm/naru-UID where that is roomy, else /tmp/naru-UID.
std::string runtime_folder();

// The IPv6 network of every lan, a unique local one (RFC 4193). Its hosts have the numbers
// that they have in the IPv4 network: 10.77.0.5 is fd77::5.
inline constexpr Prefix kLanNetworkV6{IpAddr::v6({0xfd, 0x77}), 64};

struct LanOptions {
  LanDirectory directory;
  // Of this member: letters, digits and hyphens as in a host name; may be empty.
  std::string name;
  // Within the network, not yet taken; without, the next free one.
  std::optional<IpAddr> address;
  // The first address of the network, whatever that is, for the way out and in.
  bool is_gateway = false;

  // What the first member decides for all; the others find it in the file.
  Prefix network{IpAddr::v4(10, 77, 0, 0), 24};
  std::uint32_t mtu = 1500;
  std::uint32_t ring_size = 1U << 20U;  // bytes; a power of two from 256 KiB to 16 MiB

  // By what its bells go, where several sleep for it (LanAlarm); 0: it has only its own.
  std::uint64_t bells = 0;
};

// A place at a lan, for other processes that drive the same stack.
struct LanSeat {
  std::uint32_t number = 0;
  std::uint32_t generation = 0;
};

// Who is called when frames come, where several threads and processes sleep for one
// port: one that listens for the bell of this number, or one that sleeps on this door,
// a futex.
struct LanAlarm {
  enum class Kind : std::uint8_t { bell, door };
  static constexpr std::uint32_t kDoors = 15;

  Kind kind = Kind::bell;
  std::uint32_t number = 0;
};

struct LanMember {
  std::uint32_t seat = 0;
  std::string name;
  IpAddr address;
  MacAddr mac;
  std::uint32_t pid = 0;
  bool sleeps = false;
};

class LanLink final : public Link {
 public:
  static constexpr std::uint32_t kMaxMembers = 64;
  // Of the network: left to the way out, never given automatically.
  static constexpr std::uint32_t kGatewayHost = 1;

  // Joins the lan, which is made where there is none.
  static OpenResult<std::unique_ptr<LanLink>> join(const std::string& lan,
                                                   const LanOptions& options = {});
  // The same port in another process of a session. Its processes may use the port in
  // turn (under the session's lock), and only the member itself ever leaves.
  static OpenResult<std::unique_ptr<LanLink>> attach(const std::string& lan, LanSeat seat,
                                                     const LanDirectory& directory = {});
  ~LanLink() override;

  LanSeat seat() const;
  // From now on this process is the member: the lan ends with it, not with whoever
  // joined before (a keeper takes over from its parent).
  void adopt();

  // Address and network, as Stack::add_address wants it.
  Prefix address() const;
  // The same host of kLanNetworkV6.
  Prefix address_v6() const;
  // From one family to the other; none: no host of that network.
  std::optional<IpAddr> to_v6(const IpAddr& v4) const;
  std::optional<IpAddr> to_v4(const IpAddr& v6) const;
  const std::string& lan_name() const;

  // Names, without and with ".lan"; letters of either case. Members stand there with their
  // IPv4 addresses, and are found by either.
  std::optional<IpAddr> find_address(std::string_view name) const;
  std::optional<std::string> find_name(const IpAddr& address) const;
  std::vector<LanMember> members() const;

  Caps caps() const override;
  MacAddr mac() const override;
  // False once this port is no longer a member: the lan was taken down, or another
  // member took us for dead or spoilt our entry.
  bool is_up() const override;
  void attach(PacketPool* pool) override;
  // How long a member that takes nothing is waited for; 100 ms.
  void set_patience(Duration patience);
  // Room at those whose rings fill, so that what is given is taken. A member that
  // takes nothing for longer than our patience is not waited for: its frames are lost,
  // as at a switch, until it goes on.
  std::size_t transmit_room() override;
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;

  // Readable after arm(), when frames have come or a full ring has room again.
  int descriptor() const override;
  bool arm() override;
  unsigned runnable() const override;
  // Sleeps on a futex instead of the descriptor, until frames come or the time is
  // over: the quickest wake-up for a thread that waits for nothing else.
  void sleep(Duration longest);

  // For sessions: from now on frames call this one, and nobody else. False as of arm().
  bool arm(LanAlarm alarm);
  bool is_armed() const;
  // Nobody sleeps any more; or this one does not.
  void disarm();
  void disarm(LanAlarm alarm);
  // Changes with each call at it.
  std::atomic<std::uint32_t>& door(std::uint32_t number);

  // The bell to ring when frames are not taken for a second: who was called may be
  // stopped.
  void set_deputy(std::uint32_t bell);

  // Gives its descriptors other numbers, where a program does not meet them.
  void move_descriptors(const std::function<int(int)>& move);

  Stats stats() const override;

 private:
  class Member;
  explicit LanLink(std::unique_ptr<Member> member);

  std::unique_ptr<Member> member_;
};

// Of a lan or a member: 1 to 31 small letters, digits, and hyphens inside (RFC 1123 2.1).
bool is_lan_name(std::string_view text);
// The lans of this user.
OpenResult<std::vector<std::string>> list_lans(const LanDirectory& directory = {});
// The members of one, after those who died have been cleared away.
OpenResult<std::vector<LanMember>> list_members(const std::string& lan,
                                                const LanDirectory& directory = {});
// Pulls every member's cable and forgets the lan: who joins next makes a new one.
OpenResult<void> take_down_lan(const std::string& lan, const LanDirectory& directory = {});
// Removes a lan that nobody uses; an error when somebody does.
OpenResult<void> remove_lan(const std::string& lan, const LanDirectory& directory = {});

}  // namespace naru::link
