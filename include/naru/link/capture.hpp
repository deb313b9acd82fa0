// CaptureLink: writes down what crosses a link, in a file for Wireshark.
//
//   stack ══ CaptureLink ══ link            stack ══ CaptureLink ══ link
//                 └──────────> CaptureFile <──────────┘
//
// The format is pcapng with nanosecond times; a file may hold several links, each
// an interface with a name. Frames are recorded as the link carries them: cut to
// the MTU, or as large segments where it carries those whole. Layer-4 checksums
// are right in the file even where the link leaves them out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <naru/link/link.hpp>
#include <naru/link/open_error.hpp>

namespace naru::link {

struct CaptureOptions {
  // Of the whole file.
  std::string comment{};
  // Several processes write one file in turn, each a section of its own with an
  // interface of the same name; each calls flush() before the next one writes.
  bool append = false;
  // Added to the stack's time: the time since 1970 at which its axis starts.
  Duration epoch{};
};

class CaptureFile {
 public:
  // Creates the file or empties it.
  static OpenResult<CaptureFile> open(const std::string& path, const CaptureOptions& options = {});
  CaptureFile(CaptureFile&& other) noexcept;
  CaptureFile& operator=(CaptureFile&& other) noexcept;
  // Writes what is buffered, and closes.
  ~CaptureFile();

  // Gives its descriptor another number: `move` closes the old one.
  void move_descriptor(const std::function<int(int)>& move);
  // Writes what is buffered. What goes wrong here or before shows in error().
  void flush();
  // Why the file is incomplete, in one line with its path; empty when it is not.
  const std::string& error() const;

 private:
  friend class CaptureLink;
  class Impl;
  explicit CaptureFile(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

class CaptureLink final : public Link {
 public:
  // `inner` and `file` outlive this link; `name` is the interface's in the file.
  CaptureLink(Link& inner, CaptureFile& file, std::string_view name);

  // Stands with the next frame that is recorded.
  void comment_next(std::string comment) { comment_ = std::move(comment); }

  Caps caps() const override { return inner_.caps(); }
  MacAddr mac() const override { return inner_.mac(); }
  bool is_up() const override { return inner_.is_up(); }
  void attach(PacketPool* pool) override { inner_.attach(pool); }
  std::size_t transmit_room() override { return inner_.transmit_room(); }
  std::size_t transmit(std::span<const TxFrame> burst, Time now) override;
  std::size_t receive(std::span<Packet*> burst, Time now) override;
  Time next_deadline() const override { return inner_.next_deadline(); }
  int descriptor() const override { return inner_.descriptor(); }
  bool arm() override { return inner_.arm(); }
  unsigned runnable() const override { return inner_.runnable(); }
  void set_interrupt(std::function<void()> callback) override {
    inner_.set_interrupt(std::move(callback));
  }
  Stats stats() const override { return inner_.stats(); }

 private:
  void record(const TxFrame& frame, Time now);
  void record(const Packet& packet, Time now);

  Link& inner_;
  CaptureFile::Impl& file_;
  const std::uint32_t interface_;
  const bool whole_;
  std::string comment_;
};

}  // namespace naru::link
