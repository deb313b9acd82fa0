#include "link/lan_seats.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/random.h>
#include <unistd.h>

namespace naru::link::lan {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr std::size_t kNameBytes = sizeof(Seat::name);
static_assert(kNameBytes == kMaxName + 1);

// When a process started, in the kernel's ticks: with its number, what tells it from
// a later one (proc(5), /proc/pid/stat). 0: it is no more, none: we cannot tell.
std::optional<std::uint64_t> start_time_of(std::uint32_t pid) {
  constexpr int kStartTime = 20;  // th word behind the name
  if (::kill(static_cast<pid_t>(pid), 0) < 0 && errno == ESRCH) return 0;
  const Descriptor file(
      ::open(("/proc/" + std::to_string(pid) + "/stat").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return std::nullopt;
  std::array<char, 1024> text;
  const ssize_t size = ::read(file.number(), text.data(), text.size());
  if (size <= 0) return std::nullopt;
  std::string_view rest(text.data(), static_cast<std::size_t>(size));
  // The name may hold anything, brackets too.
  const std::size_t name_end = rest.rfind(") ");
  if (name_end == std::string_view::npos) return std::nullopt;
  rest.remove_prefix(name_end + 2);
  if (rest.starts_with('Z') || rest.starts_with('X')) return 0;
  for (int word = 1; word < kStartTime; ++word) {
    const std::size_t space = rest.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(space + 1);
  }
  std::uint64_t value = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), value);
  return value;
}

bool is_dead(const Occupant& occupant) {
  // Not a process at all: kill(2) would mean groups by it.
  if (occupant.pid == 0 || occupant.pid > 0x7fffffffU) return true;
  const auto started = start_time_of(occupant.pid);
  return started && *started != occupant.start_time;
}

void write_process(Seat& seat) {
  const auto pid = static_cast<std::uint32_t>(::getpid());
  seat.pid.store(pid, kRelaxed);
  seat.start_time.store(start_time_of(pid).value_or(0), kRelaxed);
}

void write_name(Seat& seat, std::string_view name) {
  std::array<char, kNameBytes> bytes{};
  std::copy(name.begin(), name.end(), bytes.begin());
  std::array<std::uint64_t, kNameBytes / sizeof(std::uint64_t)> words;
  std::memcpy(words.data(), bytes.data(), kNameBytes);
  for (std::size_t i = 0; i < words.size(); ++i) seat.name[i].store(words[i], kRelaxed);
}

std::string read_name(const Seat& seat) {
  std::array<std::uint64_t, kNameBytes / sizeof(std::uint64_t)> words;
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = seat.name[i].load(kRelaxed);
  std::array<char, kNameBytes> bytes;
  std::memcpy(bytes.data(), words.data(), kNameBytes);
  const std::string name(bytes.begin(), std::find(bytes.begin(), bytes.end(), '\0'));
  return is_lan_name(name) ? name : std::string();
}

// Empties it, whoever sits there.
void clear(const LanFile& file, std::uint32_t number) {
  Seat& seat = file.control().seats[number];
  seat.bell.store(0, kRelaxed);
  seat.generation.fetch_add(1, std::memory_order_acq_rel);
  announce(file.control());
}

std::string describe(const Occupant& occupant) {
  std::string words = occupant.name.empty() ? "a program without a name" : occupant.name;
  return words + " (process " + std::to_string(occupant.pid) + ")";
}

template <class Match>
std::optional<Occupant> find_occupant(const Control& control, Match match) {
  for (std::uint32_t i = 0; i < kSeats; ++i) {
    auto occupant = read_seat(control, i);
    if (occupant && match(*occupant)) return occupant;
  }
  return std::nullopt;
}

std::optional<Occupant> owner_of(const Control& control, const IpAddr& address) {
  return find_occupant(control, [&](const Occupant& o) { return o.address == address; });
}

OpenResult<IpAddr> choose_address(const LanFile& file, const LanOptions& options) {
  const Prefix& network = file.network();
  const std::uint32_t first = network.addr.to_v4();
  const std::uint32_t last = network.broadcast()->to_v4();
  std::optional<IpAddr> wanted = options.address;
  if (options.is_gateway) wanted = IpAddr::v4(first + LanLink::kGatewayHost);
  if (!wanted) {
    for (std::uint32_t host = first + LanLink::kGatewayHost + 1; host < last; ++host) {
      if (!owner_of(file.control(), IpAddr::v4(host))) return IpAddr::v4(host);
    }
    return failure(file.name(), EADDRNOTAVAIL, "no address is free in " + network.to_string());
  }
  const std::string text = wanted->to_string();
  if (!network.contains(*wanted) || *wanted == network.addr || wanted->to_v4() == last) {
    return failure(file.name(), EADDRNOTAVAIL,
                   text + " is no address of a host in " + network.to_string());
  }
  if (const auto owner = owner_of(file.control(), *wanted)) {
    return failure(file.name(), EADDRINUSE, text + " belongs to " + describe(*owner));
  }
  return *wanted;
}

}  // namespace

LanMember Occupant::member() const {
  return {.seat = seat.number,
          .name = name,
          .address = address,
          .mac = mac_of(seat),
          .pid = pid,
          .sleeps = sleeps};
}

MacAddr mac_of(LanSeat seat) {
  const std::uint32_t g = seat.generation;
  return {{0x02, 0x6e, static_cast<std::uint8_t>(g >> 16U), static_cast<std::uint8_t>(g >> 8U),
           static_cast<std::uint8_t>(g), static_cast<std::uint8_t>(seat.number)}};
}

std::optional<Occupant> read_seat(const Control& control, std::uint32_t number) {
  const Seat& seat = control.seats[number];
  const std::uint32_t generation = seat.generation.load(std::memory_order_acquire);
  if (!is_taken(generation)) return std::nullopt;
  return Occupant{.seat = {number, generation},
                  .pid = seat.pid.load(kRelaxed),
                  .start_time = seat.start_time.load(kRelaxed),
                  .address = IpAddr::v4(seat.address.load(kRelaxed)),
                  .bell_id = seat.bell_id.load(kRelaxed),
                  .name = read_name(seat),
                  .sleeps = seat.bell.load(kRelaxed) != 0};
}

void clear_away_if_dead(const LanFile& file, std::uint32_t number) {
  const auto occupant = read_seat(file.control(), number);
  if (occupant && is_dead(*occupant)) clear(file, number);
}

void clear_away_dead(const LanFile& file) {
  for (std::uint32_t i = 0; i < kSeats; ++i) clear_away_if_dead(file, i);
}

OpenResult<LanSeat> take_seat(const LanFile& file, const LanOptions& options) {
  Control& control = file.control();
  if (!options.name.empty()) {
    if (!is_lan_name(options.name)) {
      return failure(file.name(), EINVAL,
                     "the name '" + options.name +
                         "' is not 1 to 31 small letters, digits and hyphens inside");
    }
    const auto owner =
        find_occupant(control, [&](const Occupant& o) { return o.name == options.name; });
    if (owner) {
      return failure(
          file.name(), EEXIST,
          "the name '" + options.name + "' belongs to process " + std::to_string(owner->pid));
    }
  }
  std::uint32_t number = 0;
  while (number < kSeats && is_taken(control.seats[number].generation.load(kRelaxed))) ++number;
  if (number == kSeats) {
    return failure(file.name(), ENOSPC,
                   "it is full: it has " + std::to_string(kSeats) + " members");
  }
  const auto address = choose_address(file, options);
  if (!address) return std::unexpected(address.error());
  std::uint64_t bell_id = options.bells;
  if (bell_id == 0 && ::getrandom(&bell_id, sizeof bell_id, 0) != sizeof bell_id) {
    return failure(file.name(), errno, "");
  }
  Seat& seat = control.seats[number];
  write_process(seat);
  write_name(seat, options.name);
  seat.address.store(address->to_v4(), kRelaxed);
  seat.bell_id.store(bell_id, kRelaxed);
  seat.deputy.store(0, kRelaxed);
  seat.bell.store(0, kRelaxed);
  const std::uint32_t generation = seat.generation.fetch_add(1, std::memory_order_acq_rel) + 1;
  announce(control);
  return LanSeat{number, generation};
}

void adopt_seat(const LanFile& file, LanSeat seat) {
  Seat& entry = file.control().seats[seat.number];
  if (entry.generation.load(kRelaxed) == seat.generation) write_process(entry);
}

void leave_seat(const LanFile& file, LanSeat seat) {
  const Seat& entry = file.control().seats[seat.number];
  const bool ours = entry.generation.load(kRelaxed) == seat.generation &&
                    entry.pid.load(kRelaxed) == static_cast<std::uint32_t>(::getpid());
  if (ours) clear(file, seat.number);
  if (!is_empty(file.control()) || file.is_removed()) return;
  file.folder().remove(file.name());
}

bool is_empty(const Control& control) {
  return std::none_of(control.seats.begin(), control.seats.end(),
                      [](const Seat& s) { return is_taken(s.generation.load(kRelaxed)); });
}

}  // namespace naru::link::lan
