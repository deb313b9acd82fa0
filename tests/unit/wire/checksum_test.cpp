#include "wire/checksum.hpp"

#include <algorithm>
#include <random>
#include <sys/mman.h>
#include <vector>

#include <gtest/gtest.h>

#include "hex.hpp"

namespace naru::wire {
namespace {

using test::Buffer;
using test::hex;

// RFC 1071 1 to the letter: big-endian words one by one, in host order.
std::uint16_t reference_checksum(Bytes bytes, std::uint64_t start = 0) {
  std::uint64_t sum = start;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint64_t{bytes[i]} << 8U : std::uint64_t{bytes[i]};
  }
  while (sum >> 16U != 0) sum = (sum & 0xffffU) + (sum >> 16U);
  return static_cast<std::uint16_t>(~sum);
}

std::uint16_t as_stored(std::uint16_t checksum) {
  std::uint8_t field[2];
  store_checksum(field, checksum);
  return load_be16(field);
}

// What this machine can run; the one that sum_bytes() chooses stands in front.
struct Kernel {
  const char* name;
  std::uint64_t (*sum)(const std::uint8_t*, std::size_t, std::uint64_t);
  std::uint64_t (*copy)(std::uint8_t*, const std::uint8_t*, std::size_t);
};

std::vector<Kernel> kernels() {
  std::vector<Kernel> all{
      {"chosen",
       [](const std::uint8_t* p, std::size_t n, std::uint64_t acc) { return sum_bytes(p, n, acc); },
       copy_and_sum},
      {"portable", detail::sum_portable, detail::copy_and_sum_portable},
  };
  if (kHasAvx2) all.push_back({"AVX2", detail::sum_avx2, detail::copy_and_sum_avx2});
  if (kHasAvx512) all.push_back({"AVX-512", detail::sum_avx512, detail::copy_and_sum_avx512});
  return all;
}

Buffer random_bytes(std::mt19937& random, std::size_t n) {
  Buffer bytes(n);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

TEST(Checksum, Rfc1071Example) {
  const Buffer data = hex("0001 f203 f4f5 f6f7");
  EXPECT_EQ(as_stored(fold(sum_bytes(data))), 0xddf2);
  EXPECT_EQ(as_stored(finish(sum_bytes(data))), 0x220d);
}

TEST(Checksum, AgreesWithTheReferenceAtEveryAlignmentAndLength) {
  std::mt19937 random(1);
  const Buffer data = random_bytes(random, 1000);
  for (const Kernel& kernel : kernels()) {
    for (std::size_t offset = 0; offset < 64; ++offset) {
      for (std::size_t n = 0; n <= 900; ++n) {
        const Bytes piece = Bytes(data).subspan(offset, n);
        ASSERT_EQ(as_stored(finish(kernel.sum(piece.data(), n, 0))), reference_checksum(piece))
            << kernel.name << ": " << n << " bytes at " << offset;
      }
    }
  }
}

// Extreme words, where a lane or a carry would overflow first.
TEST(Checksum, AgreesWithTheReferenceOnLargeAndExtremeData) {
  std::mt19937 random(2);
  for (const std::size_t n : {1460U, 9000U, 65535U, 65536U, 65537U, 131073U, 1000003U}) {
    const Buffer some = random_bytes(random, n);
    for (const Buffer& data : {some, Buffer(n, 0xff), Buffer(n, 0x80), Buffer(n, 0x7f)}) {
      const std::uint16_t expected = reference_checksum(data);
      for (const Kernel& kernel : kernels()) {
        SCOPED_TRACE(kernel.name);
        Buffer copy(n);
        EXPECT_EQ(as_stored(finish(kernel.sum(data.data(), n, 0))), expected) << n;
        EXPECT_EQ(as_stored(finish(kernel.copy(copy.data(), data.data(), n))), expected) << n;
        EXPECT_EQ(copy, data);
      }
    }
  }
}

// A page and nothing readable behind it or before it.
class LonelyPage {
 public:
  LonelyPage() {
    EXPECT_NE(map_, MAP_FAILED);
    EXPECT_EQ(mprotect(page(), kSize, PROT_READ | PROT_WRITE), 0);
  }
  ~LonelyPage() { munmap(map_, 3 * kSize); }
  LonelyPage(const LonelyPage&) = delete;
  LonelyPage& operator=(const LonelyPage&) = delete;

  std::uint8_t* page() { return static_cast<std::uint8_t*>(map_) + kSize; }
  std::uint8_t* end() { return page() + kSize; }

 private:
  static constexpr std::size_t kSize = 4096;
  void* map_ = mmap(nullptr, 3 * kSize, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
};

TEST(Checksum, TouchesNothingOutside) {
  LonelyPage from;
  LonelyPage to;
  for (const Kernel& kernel : kernels()) {
    for (std::size_t n = 0; n <= 900; ++n) {
      EXPECT_EQ(kernel.sum(from.page(), n, 0), 0U);
      EXPECT_EQ(kernel.sum(from.end() - n, n, 0), 0U);
      EXPECT_EQ(kernel.copy(to.page(), from.page(), n), 0U);
      EXPECT_EQ(kernel.copy(to.end() - n, from.end() - n, n), 0U);
    }
  }
}

TEST(Checksum, IsZeroOnlyOfZeros) {
  Buffer copy(5000);
  for (const Kernel& kernel : kernels()) {
    SCOPED_TRACE(kernel.name);
    for (const std::size_t n : {2U, 40U, 64U, 96U, 128U, 500U, 5000U}) {
      const Buffer zeros(n, 0);
      EXPECT_EQ(kernel.sum(zeros.data(), n, 0), 0U) << n;
      EXPECT_EQ(finish(kernel.copy(copy.data(), zeros.data(), n)), 0xffff) << n;
      const Buffer ones(n, 0xff);
      EXPECT_EQ(fold(kernel.sum(ones.data(), n, 0)), 0xffff) << n;
      EXPECT_EQ(fold(kernel.copy(copy.data(), ones.data(), n)), 0xffff) << n;
    }
  }
}

TEST(Checksum, GoesOnFromASum) {
  std::mt19937 random(3);
  const Buffer data = random_bytes(random, 1000);
  for (std::size_t split = 0; split <= data.size(); split += 2) {
    const Bytes all(data);
    const std::uint64_t acc = sum_bytes(all.subspan(split), sum_bytes(all.first(split)));
    ASSERT_EQ(as_stored(finish(acc)), reference_checksum(data)) << split;
  }
  // An accumulator near the top of its range.
  const std::uint64_t full = ~std::uint64_t{0};
  for (const Kernel& kernel : kernels()) {
    for (const std::size_t n : {40U, 100U, 1000U}) {
      EXPECT_EQ(fold(kernel.sum(data.data(), n, full)), fold(kernel.sum(data.data(), n, 0)));
    }
  }
}

void check_copy(Bytes piece, std::size_t to, const Kernel& kernel) {
  const std::size_t n = piece.size();
  SCOPED_TRACE(::testing::Message() << kernel.name << ": " << n << " bytes to " << to);
  Buffer out(n + 128, 0xa5);
  ASSERT_EQ(as_stored(finish(kernel.copy(out.data() + to, piece.data(), n))),
            reference_checksum(piece));
  ASSERT_TRUE(std::equal(piece.begin(), piece.end(), out.begin() + to));
  const auto is_untouched = [](std::uint8_t byte) { return byte == 0xa5; };
  ASSERT_TRUE(std::all_of(out.begin(), out.begin() + to, is_untouched));
  ASSERT_TRUE(std::all_of(out.begin() + to + n, out.end(), is_untouched));
}

TEST(Checksum, CopiesAndSumsAtEveryAlignmentAndLength) {
  std::mt19937 random(4);
  const Buffer data = random_bytes(random, 1000);
  for (const Kernel& kernel : kernels()) {
    for (std::size_t n = 0; n <= 900; ++n) {
      for (std::size_t to = n % 3; to < 64; to += 3) {
        check_copy(Bytes(data).subspan(random() % 64, n), to, kernel);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Checksum, CombinesPiecesThatStartAtOddOffsets) {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    const Buffer data = random_bytes(random, random() % 600);
    std::uint64_t acc = 0;
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random() % 200, data.size() - at);
      acc = combine(acc, sum_bytes(data.data() + at, n), at % 2 == 1);
      at += n;
    }
    ASSERT_EQ(as_stored(finish(acc)), reference_checksum(data));
  }
}

TEST(Checksum, SumsHeadersOfFixedSize) {
  std::mt19937 random(6);
  for (int i = 0; i < 1000; ++i) {
    const Buffer data = random_bytes(random, 60);
    EXPECT_EQ(fold(sum_fixed<8>(data.data())), fold(sum_bytes(data.data(), 8)));
    EXPECT_EQ(fold(sum_fixed<20>(data.data())), fold(sum_bytes(data.data(), 20)));
    EXPECT_EQ(fold(sum_fixed<60>(data.data(), ~0ULL)), fold(sum_bytes(data.data(), 60)));
  }
}

TEST(Checksum, PseudoHeaderIsThatOfTheRfcs) {
  std::mt19937 random(7);
  for (int i = 0; i < 1000; ++i) {
    const auto length = static_cast<std::uint32_t>(random() % 65536);
    // RFC 9293 3.1: addresses, zero, protocol, 16-bit length.
    Buffer header = random_bytes(random, 12);
    header[8] = 0;
    header[9] = 6;
    store_be16(&header[10], static_cast<std::uint16_t>(length));
    const IpAddr src = IpAddr::v4(load_be32(&header[0]));
    const IpAddr dst = IpAddr::v4(load_be32(&header[4]));
    EXPECT_EQ(as_stored(finish(pseudo_header_sum(src, dst, Protocol::tcp, length))),
              reference_checksum(header));

    // RFC 8200 8.1: addresses, 32-bit length, zeros, next header.
    header = random_bytes(random, 40);
    const auto long_length = static_cast<std::uint32_t>(random());
    std::array<std::uint8_t, 16> src6{};
    std::array<std::uint8_t, 16> dst6{};
    std::copy_n(header.begin(), 16, src6.begin());
    std::copy_n(header.begin() + 16, 16, dst6.begin());
    store_be32(&header[32], long_length);
    store_be32(&header[36], 17);
    const std::uint64_t sum =
        pseudo_header_sum(IpAddr::v6(src6), IpAddr::v6(dst6), Protocol::udp, long_length);
    EXPECT_EQ(as_stored(finish(sum)), reference_checksum(header));
  }
}

// RFC 1624: right for every value, 0x0000 and 0xffff included. The third word
// keeps the data from being all zero, of which no header is made.
TEST(Checksum, UpdatesForEveryValue) {
  std::mt19937 random(8);
  for (std::uint32_t value = 0; value <= 0xffff; ++value) {
    std::uint8_t data[6];
    store_be16(data, static_cast<std::uint16_t>(value));
    store_be16(data + 2, static_cast<std::uint16_t>(random()));
    store_be16(data + 4, static_cast<std::uint16_t>(1 + random() % 0xffff));
    const std::uint16_t before = finish(sum_bytes(data, sizeof data));
    const std::uint16_t old_word = load_checksum(data);
    for (const std::uint32_t next : {value - 0x100, value + 1, std::uint32_t{0}, 0xffffU,
                                     static_cast<std::uint32_t>(random())}) {
      store_be16(data, static_cast<std::uint16_t>(next));
      ASSERT_EQ(update16(before, old_word, load_checksum(data)),
                finish(sum_bytes(data, sizeof data)));
    }
  }
}

// Every checksum that a header can have, through the change of a TTL.
TEST(Checksum, UpdatesFromEveryChecksum) {
  for (std::uint32_t filler = 0; filler <= 0xffff; ++filler) {
    std::uint8_t header[4] = {64, 6, 0, 0};
    store_be16(header + 2, static_cast<std::uint16_t>(filler));
    const std::uint16_t before = finish(sum_bytes(header, sizeof header));
    const std::uint16_t old_word = load_checksum(header);
    header[0] = 63;
    ASSERT_EQ(update16(before, old_word, load_checksum(header)),
              finish(sum_bytes(header, sizeof header)));
  }
}

TEST(Checksum, VerifiesWhatItMakesAndNothingElse) {
  std::mt19937 random(9);
  for (int i = 0; i < 300; ++i) {
    Buffer data = random_bytes(random, 20 + random() % 200);
    data[4] = data[5] = 0;
    store_checksum(&data[4], finish(sum_bytes(data)));
    ASSERT_TRUE(verifies(sum_bytes(data)));
    for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
      data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ (1U << bit % 8));
      ASSERT_FALSE(verifies(sum_bytes(data)));
      data[bit / 8] = static_cast<std::uint8_t>(data[bit / 8] ^ (1U << bit % 8));
    }
  }
}

}  // namespace
}  // namespace naru::wire
