// The file behind CaptureLink: pcapng blocks, gathered and written by write(2).
#pragma once

#include <cstdint>
#include <string>

#include <naru/link/capture.hpp>

#include "link/pcapng.hpp"

namespace naru::link {

class CaptureFile::Impl {
 public:
  // Owns `descriptor`.
  Impl(int descriptor, std::string path, const CaptureOptions& options)
      : descriptor_(descriptor),
        path_(std::move(path)),
        epoch_(options.epoch),
        writer_(options.comment) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  std::uint32_t add_interface(std::string_view name, const MacAddr& mac) {
    return writer_.add_interface(name, mac);
  }
  // See PcapngWriter.
  std::uint8_t* begin_packet(std::uint32_t interface, Time now, std::size_t size,
                             std::size_t room) {
    const auto at = static_cast<std::uint64_t>(nanoseconds(now + epoch_));
    return writer_.begin_packet(interface, at, static_cast<std::uint32_t>(size), room);
  }
  void end_packet(PcapngWriter::Direction direction, std::string_view comment);

  void move_descriptor(const std::function<int(int)>& move) { descriptor_ = move(descriptor_); }
  void flush();
  const std::string& error() const { return error_; }

 private:
  int descriptor_;
  const std::string path_;
  const Duration epoch_;
  PcapngWriter writer_;
  std::string error_;
};

}  // namespace naru::link
