#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <naru/base/bytes.hpp>
#include <naru/link/lan.hpp>

#include "link/lan_member.hpp"

namespace naru::link {

using lan::Folder;
using lan::LanFile;

namespace {

OpenResult<LanFile> open_file(const std::string& name, const LanDirectory& directory,
                              const LanOptions* create) {
  auto folder = Folder::open(directory, create != nullptr);
  if (!folder) return std::unexpected(folder.error());
  return LanFile::open(std::move(*folder), name, create);
}

// "Web.lan" as it stands in a seat: "web".
std::string plain_name(std::string_view name) {
  constexpr std::string_view kDomain = ".lan";
  std::string plain(name);
  std::transform(plain.begin(), plain.end(), plain.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (plain.ends_with(kDomain)) plain.resize(plain.size() - kDomain.size());
  return plain;
}

std::vector<LanMember> members_of(const lan::Control& control) {
  std::vector<LanMember> found;
  for (std::uint32_t i = 0; i < lan::kSeats; ++i) {
    if (const auto occupant = lan::read_seat(control, i)) found.push_back(occupant->member());
  }
  return found;
}

void wake_everybody(const LanFile& file) {
  const lan::Ringer ringer = lan::Ringer::make();
  for (lan::Seat& seat : file.control().seats) ringer.call(seat);
}

}  // namespace

// --- coming --------------------------------------------------------------------------

OpenResult<std::unique_ptr<LanLink>> LanLink::join(const std::string& lan,
                                                   const LanOptions& options) {
  for (;;) {
    auto file = open_file(lan, options.directory, &options);
    if (!file) return std::unexpected(file.error());
    auto lock = file->lock();
    if (!lock) return std::unexpected(lock.error());
    // The last member left between the two: we make a new one.
    if (file->is_removed()) continue;
    lan::clear_away_dead(*file);
    const auto seat = lan::take_seat(*file, options);
    if (!seat) return std::unexpected(seat.error());
    lan::Bell bell(file->control().seats[seat->number].bell_id);
    lan::Ringer ringer = lan::Ringer::make();
    if (!bell.is_open() || !ringer.is_open()) {
      const int error = errno;
      lan::leave_seat(*file, *seat);
      return lan::failure(lan, error, "");
    }
    auto member =
        std::make_unique<Member>(std::move(*file), *seat, std::move(bell), std::move(ringer), true);
    return std::unique_ptr<LanLink>(new LanLink(std::move(member)));
  }
}

OpenResult<std::unique_ptr<LanLink>> LanLink::attach(const std::string& lan, LanSeat seat,
                                                     const LanDirectory& directory) {
  auto file = open_file(lan, directory, nullptr);
  if (!file) return std::unexpected(file.error());
  const auto occupant =
      seat.number < lan::kSeats ? lan::read_seat(file->control(), seat.number) : std::nullopt;
  if (!occupant || occupant->seat.generation != seat.generation) {
    return lan::failure(lan, ENOENT, "this member has left it");
  }
  lan::Ringer ringer = lan::Ringer::make();
  if (!ringer.is_open()) return lan::failure(lan, errno, "");
  auto member =
      std::make_unique<Member>(std::move(*file), seat, lan::Bell(), std::move(ringer), false);
  return std::unique_ptr<LanLink>(new LanLink(std::move(member)));
}

LanLink::LanLink(std::unique_ptr<Member> member) : member_(std::move(member)) {}

LanLink::~LanLink() = default;

LanSeat LanLink::seat() const { return member_->seat(); }
void LanLink::adopt() { member_->adopt(); }
void LanLink::set_patience(Duration patience) { member_->set_patience(patience); }

// --- names ---------------------------------------------------------------------------

Prefix LanLink::address() const { return {member_->address(), member_->file().network().length}; }

Prefix LanLink::address_v6() const {
  return {to_v6(member_->address()).value_or(IpAddr()), kLanNetworkV6.length};
}

std::optional<IpAddr> LanLink::to_v6(const IpAddr& v4) const {
  const Prefix& network = member_->file().network();
  if (!v4.is_v4() || !network.contains(v4)) return std::nullopt;
  std::array<std::uint8_t, 16> bytes = kLanNetworkV6.addr.bytes();
  store_be32(bytes.data() + 12, v4.to_v4() - network.network().to_v4());
  return IpAddr::v6(bytes);
}

std::optional<IpAddr> LanLink::to_v4(const IpAddr& v6) const {
  const std::uint32_t host = load_be32(v6.bytes().data() + 12);
  const IpAddr v4 = IpAddr::v4(member_->file().network().network().to_v4() + host);
  return to_v6(v4) == v6 ? std::optional(v4) : std::nullopt;
}

const std::string& LanLink::lan_name() const { return member_->file().name(); }

std::optional<IpAddr> LanLink::find_address(std::string_view name) const {
  const std::string wanted = plain_name(name);
  for (const LanMember& member : members()) {
    if (!wanted.empty() && member.name == wanted) return member.address;
  }
  return std::nullopt;
}

std::optional<std::string> LanLink::find_name(const IpAddr& address) const {
  const IpAddr v4 = address.is_v4() ? address : to_v4(address).value_or(IpAddr());
  for (const LanMember& member : members()) {
    if (member.address == v4 && !member.name.empty()) return member.name;
  }
  return std::nullopt;
}

std::vector<LanMember> LanLink::members() const { return members_of(member_->file().control()); }

// --- as a link -----------------------------------------------------------------------

Caps LanLink::caps() const {
  return {.mtu = member_->file().mtu(), .transmits_checksum = true, .carries_large = true};
}
MacAddr LanLink::mac() const { return member_->mac(); }
bool LanLink::is_up() const { return member_->is_up(); }
void LanLink::attach(PacketPool* pool) { member_->attach(pool); }
std::size_t LanLink::transmit_room() { return member_->transmit_room(); }
std::size_t LanLink::transmit(std::span<const TxFrame> burst, Time now) {
  return member_->transmit(burst, now);
}
std::size_t LanLink::receive(std::span<Packet*> burst, Time now) {
  return member_->receive(burst, now);
}
int LanLink::descriptor() const { return member_->descriptor(); }
bool LanLink::arm() { return member_->arm(); }
unsigned LanLink::runnable() const { return member_->runnable(); }
void LanLink::sleep(Duration longest) { member_->sleep(longest); }
bool LanLink::arm(LanAlarm alarm) { return member_->arm(alarm); }
bool LanLink::is_armed() const { return member_->is_armed(); }
void LanLink::disarm() { member_->disarm(); }
void LanLink::disarm(LanAlarm alarm) { member_->disarm(alarm); }
std::atomic<std::uint32_t>& LanLink::door(std::uint32_t number) { return member_->door(number); }
void LanLink::set_deputy(std::uint32_t bell) { member_->set_deputy(bell); }
void LanLink::move_descriptors(const std::function<int(int)>& move) {
  member_->move_descriptors(move);
}
Link::Stats LanLink::stats() const { return member_->stats(); }

// --- from outside --------------------------------------------------------------------

OpenResult<std::vector<std::string>> list_lans(const LanDirectory& directory) {
  auto folder = Folder::open(directory, false);
  if (folder) return folder->names(lan::kFileEnd);
  if (folder.error().number == ENOENT) return std::vector<std::string>();
  return std::unexpected(folder.error());
}

OpenResult<std::vector<LanMember>> list_members(const std::string& lan,
                                                const LanDirectory& directory) {
  auto file = open_file(lan, directory, nullptr);
  if (!file) return std::unexpected(file.error());
  const auto lock = file->lock();
  if (!lock) return std::unexpected(lock.error());
  lan::clear_away_dead(*file);
  return members_of(file->control());
}

OpenResult<void> take_down_lan(const std::string& lan, const LanDirectory& directory) {
  auto file = open_file(lan, directory, nullptr);
  if (file) {
    const auto lock = file->lock();
    if (!lock) return std::unexpected(lock.error());
    file->control().header.down.store(1);
    lan::announce(file->control());
    wake_everybody(*file);
    file->folder().remove(lan);
    return {};
  }
  // A file that is no lan of ours has no members that we could tell.
  auto folder = Folder::open(directory, false);
  if (!folder || file.error().number != EPROTO) return std::unexpected(file.error());
  folder->remove(lan);
  return {};
}

OpenResult<void> remove_lan(const std::string& lan, const LanDirectory& directory) {
  auto file = open_file(lan, directory, nullptr);
  if (!file) {
    if (file.error().number == EPROTO) return take_down_lan(lan, directory);
    return std::unexpected(file.error());
  }
  const auto lock = file->lock();
  if (!lock) return std::unexpected(lock.error());
  lan::clear_away_dead(*file);
  if (!lan::is_empty(file->control())) {
    return lan::failure(
        lan, EBUSY,
        "it has members (naru lan ls shows them, naru lan down " + lan + " disconnects them)");
  }
  file->folder().remove(lan);
  return {};
}

}  // namespace naru::link
