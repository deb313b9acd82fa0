// Bytes move between sockets, files, pipes and streams of the C library.
#include <cstdio>
#include <sys/sendfile.h>

#include "sockets.hpp"

namespace naru::sockets {
namespace {

// --- files and pipes -----------------------------------------------------------------------

// A file with these bytes, already without a name.
Fd file_of(std::string_view text) {
  char name[] = "/tmp/naru-sockets-XXXXXX";  // mkstemp puts a name for the last letters
  Fd fd(::mkstemp(name));
  ::unlink(name);
  EXPECT_EQ(::write(fd, text.data(), text.size()), static_cast<long>(text.size()));
  ::lseek(fd, 0, SEEK_SET);
  return fd;
}

TEST(SendFile, FromAnOffsetToTheEnd) {
  NARU_CHECKS("SOC-050");
  const auto [client, server] = connected();
  const Fd file = file_of("0123456789");
  EXPECT_EQ(::sendfile(client, file, nullptr, 4), 4);
  EXPECT_EQ(recv(server, MSG_WAITALL, 4), "0123");
  EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 4);
  off_t at = 6;
  EXPECT_EQ(::sendfile(client, file, &at, 100), 4) << "the file is short";
  EXPECT_EQ(at, 10);
  EXPECT_EQ(recv(server, MSG_WAITALL, 4), "6789");
  EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 4) << "with an offset the place stays";
  EXPECT_EQ(::sendfile(client, file, &at, 100), 0);
  EXPECT_EQ(::sendfile(client, file, nullptr, 0), 0);
  at = -1;
  EXPECT_EQ(error_of(::sendfile(client, file, &at, 1)), EINVAL);
  EXPECT_EQ(error_of(::sendfile(client, 1000, nullptr, 1)), EBADF);
  EXPECT_EQ(error_of(::sendfile(file, client, nullptr, 1)), EINVAL);
}

TEST(SendFile, MuchOfIt) {
  NARU_CHECKS("SOC-050");
  const auto [client, server] = connected();
  std::string much;
  for (int i = 0; much.size() < 3'000'000; ++i) much += std::to_string(i);
  const Fd file = file_of(much);
  std::string got;
  std::thread reader([&, fd = static_cast<int>(server)] {
    for (std::string piece; !(piece = recv(fd, 0, 65'536)).empty();) got += piece;
  });
  off_t at = 0;
  while (at < static_cast<off_t>(much.size())) {
    ASSERT_GT(::sendfile(client, file, &at, much.size()), 0);
  }
  ::shutdown(client, SHUT_WR);
  reader.join();
  EXPECT_TRUE(got == much);
}

TEST(Splice, ThroughAPipe) {
  NARU_CHECKS("SOC-050");
  const auto [client, server] = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  EXPECT_EQ(send(client, "hello"), 5);
  ASSERT_TRUE(wait_for(server, POLLIN));
  EXPECT_EQ(::splice(server, nullptr, in, nullptr, 100, 0), 5);
  EXPECT_EQ(::splice(out, nullptr, server, nullptr, 3, SPLICE_F_MORE), 3);
  EXPECT_EQ(::splice(out, nullptr, server, nullptr, 2, 0), 2);
  EXPECT_EQ(recv(client, MSG_WAITALL, 5), "hello");
  ::fcntl(server, F_SETFL, O_NONBLOCK);
  EXPECT_EQ(error_of(::splice(server, nullptr, in, nullptr, 5, 0)), EAGAIN);
  EXPECT_EQ(error_of(::splice(server, nullptr, client, nullptr, 5, 0)), EINVAL) << "no pipe";
  off64_t at = 0;
  EXPECT_EQ(error_of(::splice(server, &at, in, nullptr, 5, 0)), EINVAL);
  EXPECT_EQ(error_of(::splice(server, nullptr, in, &at, 5, 0)), ESPIPE);
  EXPECT_EQ(error_of(::tee(server, in, 5, 0)), EINVAL);
  ::shutdown(client, SHUT_WR);
  EXPECT_EQ(::splice(server, nullptr, in, nullptr, 100, 0), 0);
}

TEST(Splice, MuchBothWays) {
  NARU_CHECKS("SOC-050");
  const auto [client, server] = connected();
  const auto [to, from] = connected();
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd out(ends[0]);
  const Fd in(ends[1]);
  std::string much;
  for (int i = 0; much.size() < 1'000'000; ++i) much += std::to_string(i);
  std::thread sender([&, fd = static_cast<int>(client)] {
    send(fd, much);
    ::shutdown(fd, SHUT_WR);
  });
  std::string got;
  std::thread reader([&, fd = static_cast<int>(from)] {
    for (std::string piece; !(piece = recv(fd, 0, 65'536)).empty();) got += piece;
  });
  long n = 0;
  while ((n = ::splice(server, nullptr, in, nullptr, 1 << 16, SPLICE_F_MOVE)) > 0) {
    while (n > 0) {
      const long m = ::splice(out, nullptr, to, nullptr, static_cast<std::size_t>(n), 0);
      ASSERT_GT(m, 0);
      n -= m;
    }
  }
  EXPECT_EQ(n, 0);
  ::shutdown(to, SHUT_WR);
  sender.join();
  reader.join();
  EXPECT_TRUE(got == much);
}

// --- standard I/O --------------------------------------------------------------------------

TEST(Stdio, SpeaksThroughASocket) {
  NARU_CHECKS("SOC-056");
  const auto [client, server] = connected();
  FILE* stream = ::fdopen(::dup(client), "r+");
  ASSERT_NE(stream, nullptr);
  std::fprintf(stream, "line %d\n", 1);
  std::fflush(stream);
  EXPECT_EQ(recv(server), "line 1\n");
  EXPECT_EQ(send(server, "answer\nmore\n"), 12);
  char line[64];
  EXPECT_STREQ(std::fgets(line, sizeof line, stream), "answer\n");
  EXPECT_STREQ(std::fgets(line, sizeof line, stream), "more\n");
  std::fclose(stream);
  EXPECT_EQ(::dprintf(client, "%s %d", "formatted", 7), 11);
  EXPECT_EQ(recv(server), "formatted 7");
}

}  // namespace
}  // namespace naru::sockets
