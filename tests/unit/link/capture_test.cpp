#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include <naru/link/capture.hpp>
#include <naru/link/memory.hpp>

#include "frames.hpp"
#include "link/raw_frame.hpp"

namespace naru::link {
namespace {

using test::Frame;
using test::TcpSpec;
using test::TestPool;

constexpr Time kStart = time_from_ns(5'000'000'007);

// Just enough of pcapng to read back what was written, little-endian as written here.
struct Block {
  std::uint32_t type = 0;
  Frame body;
  std::uint32_t word(std::size_t at) const {
    return __builtin_bswap32(load_be32(body.data() + at));
  }
};

std::uint16_t load_le16(const std::uint8_t* p) { return __builtin_bswap16(load_be16(p)); }

struct Record {
  std::uint32_t interface = 0;
  std::uint64_t time = 0;
  Frame bytes;
  std::uint32_t flags = 0;
  std::string comment;
};

// The value of an option in options that begin at `at`.
std::optional<Frame> option(const Block& block, std::size_t at, std::uint16_t code) {
  while (at + 4 <= block.body.size()) {
    const std::uint16_t this_code = load_le16(block.body.data() + at);
    const std::size_t length = load_le16(block.body.data() + at + 2);
    if (this_code == code) {
      const auto begin = block.body.begin() + static_cast<std::ptrdiff_t>(at + 4);
      return Frame(begin, begin + static_cast<std::ptrdiff_t>(length));
    }
    at += 4 + (length + 3) / 4 * 4;
  }
  return std::nullopt;
}
std::string text(const std::optional<Frame>& value) {
  return value ? std::string(value->begin(), value->end()) : std::string("(none)");
}

class Capture : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = std::filesystem::temp_directory_path() /
            ("naru-capture-" + std::to_string(::getpid()) + ".pcapng");
  }
  void TearDown() override { std::filesystem::remove(path_); }

  CaptureFile open(const CaptureOptions& options = {}) {
    return std::move(*CaptureFile::open(path_.string(), options));
  }
  std::vector<Block> blocks() const {
    std::ifstream in(path_, std::ios::binary);
    const Frame all{std::istreambuf_iterator<char>(in), {}};
    std::vector<Block> result;
    for (std::size_t at = 0; at < all.size();) {
      Block block;
      const std::size_t length = __builtin_bswap32(load_be32(all.data() + at + 4));
      EXPECT_EQ(length % 4, 0U);
      EXPECT_LE(at + length, all.size());
      if (length < 12 || at + length > all.size()) break;
      block.type = __builtin_bswap32(load_be32(all.data() + at));
      EXPECT_EQ(__builtin_bswap32(load_be32(all.data() + at + length - 4)), length);
      block.body.assign(all.begin() + static_cast<std::ptrdiff_t>(at + 8),
                        all.begin() + static_cast<std::ptrdiff_t>(at + length - 4));
      result.push_back(std::move(block));
      at += length;
    }
    return result;
  }
  std::vector<Record> records() const {
    std::vector<Record> result;
    for (const Block& block : blocks()) {
      if (block.type != 6) continue;
      Record record;
      record.interface = block.word(0);
      record.time = std::uint64_t{block.word(4)} << 32U | block.word(8);
      const std::uint32_t size = block.word(12);
      EXPECT_EQ(block.word(16), size);
      record.bytes.assign(block.body.begin() + 20, block.body.begin() + 20 + size);
      const std::size_t options = 20 + (size + 3) / 4 * 4;
      const auto flags = option(block, options, 2);
      record.flags = flags ? __builtin_bswap32(load_be32(flags->data())) : 0;
      const auto comment = option(block, options, 1);
      if (comment) record.comment = text(comment);
      result.push_back(std::move(record));
    }
    return result;
  }

  std::filesystem::path path_;
  TestPool pool_;
};

TEST_F(Capture, BeginsWithTheSectionAndTheInterfaces) {
  MemoryWire wire;
  {
    CaptureFile file = open({.comment = "a test"});
    const CaptureLink a(wire.a(), file, "west");
    const CaptureLink b(wire.b(), file, "east");
  }
  const std::vector<Block> all = blocks();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].type, 0x0a0d0d0aU);
  EXPECT_EQ(all[0].word(0), 0x1a2b3c4dU);
  EXPECT_EQ(text(option(all[0], 16, 1)), "a test");
  EXPECT_EQ(all[1].type, 1U);
  EXPECT_EQ(text(option(all[1], 8, 2)), "west");
  EXPECT_EQ(text(option(all[2], 8, 2)), "east");
  EXPECT_EQ(option(all[1], 8, 9), (Frame{9}));
  const MacAddr mac = wire.b().mac();
  EXPECT_EQ(option(all[2], 8, 6), Frame(mac.bytes.begin(), mac.bytes.end()));
}

TEST_F(Capture, RecordsBothDirectionsWithTimes) {
  MemoryWire wire;
  wire.a().attach(pool_.get());
  const Frame out(61, 1);
  const Frame in(60, 2);
  {
    CaptureFile file = open({.epoch = 1h});
    CaptureLink link(wire.a(), file, "a");
    TxFrame frame;
    set_raw(frame, out);
    link.comment_next("the first");
    EXPECT_EQ(link.transmit({&frame, 1}, kStart), 1U);
    set_raw(frame, in);
    wire.b().transmit({&frame, 1}, kStart);
    EXPECT_EQ(test::receive_all(link, pool_, kStart + 1ns), std::vector<Frame>{in});
  }
  const std::vector<Record> all = records();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].bytes, out);
  EXPECT_EQ(all[0].time, 3'605'000'000'007U);
  EXPECT_EQ(all[0].flags, 2U);
  EXPECT_EQ(all[0].comment, "the first");
  EXPECT_EQ(all[1].bytes, in);
  EXPECT_EQ(all[1].time, 3'605'000'000'008U);
  EXPECT_EQ(all[1].flags, 1U);
  EXPECT_EQ(all[1].comment, "");
}

TEST_F(Capture, RecordsFramesAsTheLinkCutsThem) {
  MemoryWire wire({.checksums = false});
  wire.b().attach(pool_.get());
  Random random = Random::seeded(1);
  const TcpSpec spec{.gso_size = 1000, .payload = test::random_bytes(random, 9999)};
  {
    CaptureFile file = open();
    CaptureLink a(wire.a(), file, "a");
    CaptureLink b(wire.b(), file, "b");
    const TxFrame frame = test::make_tcp(spec, random);
    a.transmit({&frame, 1}, kStart);
    test::receive_all(b, pool_, kStart);
  }
  std::vector<Frame> sent;
  std::vector<Frame> received;
  for (Record& r : records()) (r.interface == 0 ? sent : received).push_back(std::move(r.bytes));
  EXPECT_EQ(sent, test::reference_frames(spec));
  EXPECT_EQ(received, test::reference_frames(spec)) << "checksums are filled in";
}

TEST_F(Capture, RecordsLargeSegmentsWholeWithTheirChecksums) {
  MemoryWire wire({.carries_large = true, .checksums = false});
  wire.b().attach(pool_.get());
  Random random = Random::seeded(2);
  for (const bool ipv6 : {false, true}) {
    const TcpSpec spec{
        .ipv6 = ipv6, .gso_size = 1448, .payload = test::random_bytes(random, 64'999)};
    {
      CaptureFile file = open();
      CaptureLink a(wire.a(), file, "a");
      CaptureLink b(wire.b(), file, "b");
      const TxFrame frame = test::make_tcp(spec, random);
      a.transmit({&frame, 1}, kStart);
      test::receive_all(b, pool_, kStart);
    }
    const std::vector<Record> all = records();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].bytes, test::reference_frames(spec, true).at(0));
    EXPECT_EQ(all[1].bytes, test::reference_frames(spec, true).at(0));
  }
}

TEST_F(Capture, RecordsOnlyWhatTheLinkTook) {
  MemoryWire wire({.ring_size = 2});
  wire.b().attach(pool_.get());
  std::array<TxFrame, 5> frames;
  const Frame bytes(100, 1);
  for (TxFrame& f : frames) set_raw(f, bytes);
  {
    CaptureFile file = open();
    CaptureLink link(wire.a(), file, "a");
    EXPECT_EQ(link.transmit(frames, kStart), 2U);
  }
  EXPECT_EQ(records().size(), 2U);
}

TEST_F(Capture, WritesEverySizeAndMoreThanItGathers) {
  MemoryWire wire;
  wire.b().attach(pool_.get());
  Random random = Random::seeded(3);
  std::vector<Frame> sent;
  {
    CaptureFile file = open();
    CaptureLink link(wire.a(), file, "a");
    for (std::size_t size = 0; size <= 1514; ++size) {
      sent.push_back(test::random_bytes(random, size));
      TxFrame frame;
      set_raw(frame, sent.back());
      link.transmit({&frame, 1}, kStart);
      test::receive_all(wire.b(), pool_);
    }
    file.flush();
    EXPECT_EQ(records().size(), sent.size()) << "flush() writes what is there";
    EXPECT_EQ(file.error(), "");
  }
  const std::vector<Record> all = records();
  ASSERT_EQ(all.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) ASSERT_EQ(all[i].bytes, sent[i]);
}

TEST_F(Capture, AMissingFolderIsAnErrorWithItsPath) {
  const auto file = CaptureFile::open("/nowhere/at/all.pcapng");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().number, ENOENT);
  EXPECT_EQ(file.error().message, "capture file /nowhere/at/all.pcapng: No such file or directory");
}

TEST_F(Capture, AFullDiskShowsInTheError) {
  MemoryWire wire;
  CaptureFile file = std::move(*CaptureFile::open("/dev/full"));
  const CaptureLink link(wire.a(), file, "a");
  EXPECT_EQ(file.error(), "");
  file.flush();
  EXPECT_EQ(file.error(), "capture file /dev/full: No space left on device");
  file.flush();
}

// What a program prints to its standard output.
std::string output_of(const std::string& command) {
  std::string all;
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::array<char, 4096> part;
  for (std::size_t n = 1; n != 0;) {
    n = std::fread(part.data(), 1, part.size(), pipe);
    all.append(part.data(), n);
  }
  ::pclose(pipe);
  return all;
}

TEST_F(Capture, TsharkReadsItWithoutComplaint) {
  // scripts/setup installs it; a build without the setup goes on.
  if (output_of("command -v tshark").empty()) GTEST_SKIP() << "tshark is not installed";
  Random random = Random::seeded(4);
  {
    CaptureFile file = open({.comment = "the section"});
    for (const bool large : {false, true}) {
      MemoryWire wire({.carries_large = large, .checksums = false});
      wire.b().attach(pool_.get());
      CaptureLink a(wire.a(), file, large ? "large-a" : "a");
      CaptureLink b(wire.b(), file, large ? "large-b" : "b");
      a.comment_next("look here");
      const Frame payload = test::random_bytes(random, 99);
      const TcpSpec spec{.gso_size = 1460, .payload = test::random_bytes(random, 14'600)};
      const std::array<TxFrame, 2> frames = {test::make_tcp(spec, random), test::make_udp(payload)};
      a.transmit(frames, kStart);
      test::receive_all(b, pool_, kStart + 1us);
    }
  }
  const std::string tshark = "tshark -r " + path_.string() +
                             " -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE"
                             " -o udp.check_checksum:TRUE ";
  const std::string fields =
      "-T fields -e frame.interface_name -e frame.time_epoch -e frame.len -e frame.comment";
  const std::string all = output_of(tshark + fields + " 2>&1 | grep -v 'Running as user'");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 2 * (10 + 1) + 2 * (1 + 1)) << all;
  EXPECT_NE(all.find("a\t5.000000007\t1514\tlook here\n"), std::string::npos) << all;
  EXPECT_NE(all.find("large-b\t5.000001007\t14654\t\n"), std::string::npos) << all;
  const std::string bad =
      output_of(tshark +
                "-Y '_ws.malformed || ip.checksum.status == Bad || tcp.checksum.status == Bad || "
                "udp.checksum.status == Bad || _ws.short' 2>&1 | grep -v 'Running as user'");
  EXPECT_EQ(bad, "");
  // A UDP datagram arrives as it was sent, here without a checksum: that is legal.
  const std::string good =
      output_of(tshark +
                "-Y 'tcp.checksum.status == Good || udp.checksum.status == Good' "
                "2>/dev/null");
  EXPECT_EQ(std::count(good.begin(), good.end(), '\n'), 2 * 10 + 1 + 2 * 1 + 1);
}

}  // namespace
}  // namespace naru::link
