// Fragments in any order, of any size, with any contradiction, against a reassembler
// that keeps everything in maps and thinks of no attacker: both must deliver the same
// packets and drop the same ones, and no buffer may be left behind.
//
// The input is a list of fragments, 4 bytes each: id and flags, offset, size, fill.
#include "ip/reassembly.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include <naru/base/arena.hpp>

#include "base/check.hpp"
#include "wire/ipv4.hpp"

namespace naru::ip {
namespace {

using Buffer = std::vector<std::uint8_t>;

struct Fragment {
  std::uint16_t id = 0;
  std::size_t offset = 0;
  bool more = false;
  Buffer data;
};

// Fragments by id and offset. An answer is the whole payload.
class Oracle {
 public:
  std::optional<Buffer> input(const Fragment& f) {
    if (f.offset + f.data.size() + wire::Ipv4::kHeaderSize > wire::Ipv4::kMaxPacket) {
      packets_.erase(f.id);
      return std::nullopt;
    }
    if (f.data.empty() || (f.more && f.data.size() % 8 != 0)) return std::nullopt;
    const auto same = packets_[f.id].find(f.offset);
    if (same != packets_[f.id].end() && same->second.data == f.data) return std::nullopt;
    packets_[f.id].emplace(f.offset, f);
    if (same != packets_[f.id].end() || contradicts(packets_[f.id])) {
      packets_.erase(f.id);
      return std::nullopt;
    }
    const auto whole = join(packets_[f.id]);
    if (whole) packets_.erase(f.id);
    return whole;
  }

  std::size_t held() const {
    std::size_t count = 0;
    for (const auto& [id, fragments] : packets_) count += fragments.size();
    return count;
  }

 private:
  using Fragments = std::map<std::size_t, Fragment>;

  static bool contradicts(const Fragments& fragments) {
    std::size_t end = 0;
    bool ended = false;
    for (const auto& [offset, f] : fragments) {
      if (offset < end || ended) return true;  // overlaps, or lies behind the last one
      end = offset + f.data.size();
      ended = !f.more;
    }
    return false;
  }

  static std::optional<Buffer> join(const Fragments& fragments) {
    Buffer whole;
    for (const auto& [offset, f] : fragments) {
      if (offset != whole.size()) return std::nullopt;
      whole.insert(whole.end(), f.data.begin(), f.data.end());
      if (!f.more) return whole;
    }
    return std::nullopt;
  }

  std::map<std::uint16_t, Fragments> packets_;
};

alignas(
    64) std::array<std::uint8_t, std::size_t{64} << 20U> memory;  // untouched pages cost nothing

// A room for one reassembly, kept over all inputs: it must be empty after each.
class Room {
 public:
  Room() : arena_(*Arena::format(memory.data(), memory.size())) {
    NARU_CHECK(options_.set(Option::ip_reassembly_memory, 32 << 20U).has_value());
    NARU_CHECK(options_.set(Option::ip_reassembly_fragments, 8'192).has_value());
    context_.options = &options_;
    context_.counters = &counters_;
    context_.trace = &trace_;
    context_.random = &random_;
    context_.pool = &pool_;
    NARU_CHECK(pool_.init(arena_, 8'192, 64));
    NARU_CHECK(reassembly_.init(arena_, context_));
  }

  std::optional<Buffer> input(const Fragment& f) {
    Packet* packet = make_packet(f);
    Drop reason = Drop::none;
    Packet* whole = reassembly_.input(packet, Time(), reason);
    if (whole == nullptr) return std::nullopt;
    const auto header = wire::Ipv4View::parse(whole->bytes());
    NARU_CHECK(header && header->header_checksum_ok() && !header->is_fragment());
    Buffer payload(header->payload().begin(), header->payload().end());
    pool_.give_back(whole);
    return payload;
  }

  std::size_t held() const { return pool_.in_use(); }

  void expire() {
    const Time later = Time() + 1h;
    while (TimerNode* timer = context_.wheel.pop_expired(later)) {
      Packet* first = reassembly_.on_timer(*static_cast<Assembly*>(timer), later);
      if (first != nullptr) pool_.give_back(first);
    }
    NARU_CHECK(pool_.in_use() == 0 && reassembly_.size() == 0 && reassembly_.memory() == 0);
    context_.wheel = {};
  }

 private:
  Packet* make_packet(const Fragment& f) {
    wire::Ipv4 header{
        .src = IpAddr::v4(10, 0, 0, 2), .dst = IpAddr::v4(10, 0, 0, 1), .protocol = Protocol::udp};
    header.id = f.id;
    header.more_fragments = f.more;
    header.fragment_offset = static_cast<std::uint16_t>(f.offset);
    header.total_length = static_cast<std::uint16_t>(wire::Ipv4::kHeaderSize + f.data.size());
    Packet* packet = pool_.take(header.total_length);
    NARU_CHECK(packet != nullptr);
    header.emit(packet->data);
    std::copy(f.data.begin(), f.data.end(), packet->data + wire::Ipv4::kHeaderSize);
    packet->length = header.total_length;
    return packet;
  }

  Arena& arena_;
  Options options_;
  Counters counters_;
  trace::Ring trace_;
  Random random_ = Random::seeded(1);
  PacketPool pool_;
  Context context_;
  Reassembly reassembly_;
};

Fragment read_fragment(const std::uint8_t* p) {
  Fragment f;
  f.id = p[0] & 3U;
  f.more = (p[0] & 4U) != 0;
  // Mostly near each other, sometimes at the far end of what an offset can say.
  const bool is_far = (p[0] & 8U) != 0;
  f.offset = is_far ? 65'528U - 8U * p[1] : 8U * (p[1] & 15U);
  const bool is_odd = (p[0] & 16U) != 0;
  const std::size_t size = is_odd ? p[2] : 8U * (p[2] & 7U);
  f.data.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    f.data[i] = static_cast<std::uint8_t>((p[3] & 3U) == 0 ? f.offset + i : p[3]);
  }
  return f;
}

}  // namespace
}  // namespace naru::ip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace naru::ip;
  static auto* const room = new Room;
  Oracle oracle;
  for (std::size_t at = 0; at + 4 <= std::min<std::size_t>(size, 1'024); at += 4) {
    const Fragment fragment = read_fragment(data + at);
    NARU_CHECK(room->input(fragment) == oracle.input(fragment));
    NARU_CHECK(room->held() == oracle.held());
  }
  room->expire();
  return 0;
}
