// The file of a lan: found, made, checked and mapped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <naru/link/lan.hpp>
#include <naru/link/open_error.hpp>

#include "link/descriptor.hpp"
#include "link/lan_layout.hpp"
#include "link/lan_ring.hpp"

namespace naru::link::lan {

std::unexpected<OpenError> failure(std::string_view lan, int error, std::string_view words);

// The folder of this user's lans: nobody else may change what is in it.
class Folder {
 public:
  static OpenResult<Folder> open(const LanDirectory& directory, bool create);

  int descriptor() const { return folder_.number(); }
  // Names of files that end so, without the end.
  std::vector<std::string> names(std::string_view end) const;
  // Removes the file of a lan and the way to its gateway.
  void remove(const std::string& lan) const;

  template <class Move>
  void move_descriptor(const Move& move) {
    folder_.move_to(move);
  }

 private:
  explicit Folder(Descriptor folder) : folder_(std::move(folder)) {}

  Descriptor folder_;
};

inline constexpr std::string_view kFileEnd = ".lan";
std::string file_name(std::string_view lan);
// Of the socket on which its gateway takes orders (gateway/).
std::string gateway_name(std::string_view lan);

class LanFile final : public Memory {
 public:
  // Whom nobody else's joining and leaving can disturb while it lives.
  class Lock {
   public:
    explicit Lock(int descriptor) : descriptor_(descriptor) {}
    Lock(Lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Lock& operator=(Lock&&) = delete;
    ~Lock();

   private:
    int descriptor_;
  };

  // With options: makes the file where there is none.
  static OpenResult<LanFile> open(Folder folder, const std::string& lan, const LanOptions* create);
  LanFile(LanFile&& other) noexcept
      : folder_(std::move(other.folder_)),
        file_(std::move(other.file_)),
        name_(std::move(other.name_)),
        base_(std::exchange(other.base_, nullptr)),
        size_(other.size_),
        ring_size_(other.ring_size_),
        mtu_(other.mtu_),
        network_(other.network_) {}
  LanFile& operator=(LanFile&&) = delete;
  ~LanFile();

  // An error when somebody holds it for seconds.
  OpenResult<Lock> lock() const;
  std::optional<Lock> try_lock() const;
  // It was removed: who joins next makes another one.
  bool is_removed() const;

  const std::string& name() const { return name_; }
  const Folder& folder() const { return folder_; }
  Control& control() const { return *reinterpret_cast<Control*>(base_); }
  Ring ring(std::uint32_t receiver, std::uint32_t sender) const;
  // As found when it was opened, and checked.
  std::uint32_t ring_size() const { return ring_size_; }
  std::uint32_t mtu() const { return mtu_; }
  const Prefix& network() const { return network_; }

  bool commit(const Ring& ring, std::uint32_t size) override;

  template <class Move>
  void move_descriptors(const Move& move) {
    folder_.move_descriptor(move);
    file_.move_to(move);
  }

 private:
  LanFile(Folder folder, Descriptor file, const std::string& name)
      : folder_(std::move(folder)), file_(std::move(file)), name_(name) {}

  OpenResult<void> prepare(const LanOptions* create);
  OpenResult<void> format(const LanOptions& options);
  OpenResult<void> map();

  Folder folder_;
  Descriptor file_;
  std::string name_;
  std::uint8_t* base_ = nullptr;
  std::size_t size_ = 0;
  std::uint32_t ring_size_ = 0;
  std::uint32_t mtu_ = 0;
  Prefix network_;
};

// The pid and the network namespace of this process, as one number.
std::uint64_t namespaces();

}  // namespace naru::link::lan
