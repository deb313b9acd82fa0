#include <cstring>
#include <utility>

#include <naru/link/capture.hpp>

#include "link/capture_file.hpp"
#include "link/gso.hpp"
#include "link/layout.hpp"

namespace naru::link {

CaptureLink::CaptureLink(Link& inner, CaptureFile& file, std::string_view name)
    : inner_(inner),
      file_(*file.impl_),
      interface_(file_.add_interface(name, inner.mac())),
      whole_(inner.caps().carries_large) {}

std::size_t CaptureLink::transmit(std::span<const TxFrame> burst, Time now) {
  const std::size_t taken = inner_.transmit(burst, now);
  for (const TxFrame& frame : burst.first(taken)) record(frame, now);
  return taken;
}

std::size_t CaptureLink::receive(std::span<Packet*> burst, Time now) {
  const std::size_t count = inner_.receive(burst, now);
  for (const Packet* packet : burst.first(count)) record(*packet, now);
  return count;
}

void CaptureLink::record(const TxFrame& frame, Time now) {
  for (Cutter cutter(frame, {.whole = whole_}); !cutter.done();) {
    cutter.write(file_.begin_packet(interface_, now, cutter.size(), Cutter::kMinRoom));
    file_.end_packet(PcapngWriter::Direction::outbound, std::exchange(comment_, {}));
  }
}

void CaptureLink::record(const Packet& packet, Time now) {
  const std::size_t size = packet.chain_length();
  std::uint8_t* const to = file_.begin_packet(interface_, now, size, size);
  std::size_t done = 0;
  for (const Packet* p = &packet; p != nullptr; p = p->more) {
    std::memcpy(to + done, p->data, p->length);
    done += p->length;
  }
  // A checksum that the link vouches for need not be there.
  if (packet.checksum == ChecksumState::good) fill_checksum({to, size});
  file_.end_packet(PcapngWriter::Direction::inbound, std::exchange(comment_, {}));
}

}  // namespace naru::link
