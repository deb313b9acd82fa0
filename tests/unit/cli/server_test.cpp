// The web server and the download, on one host over its loopback.
#include "cli/web/server.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/asio.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/download.hpp"
#include "cli/failure.hpp"

namespace naru::cli {
namespace {

namespace fs = std::filesystem;
namespace net = boost::asio;
using boost::system::error_code;
using net::use_awaitable;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct StackContext : net::io_context {
  explicit StackContext(Host& host) { asio::use_stack(*this, host); }
};

// Made before everything that serves it.
struct Site {
  Site() {
    fs::create_directories(root / "served/sub");
    write("served/page.txt", "0123456789");
    write("served/empty", "");
    write("served/sub/index.html", "<p>sub");
    write("secret", "secret");
    fs::create_directories(root / "served/list");
    write("served/list/a&b", "x");
    std::string big(3'000'000, '\0');
    for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>(i * 31 + (i >> 9U));
    write("served/big", big);
  }
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site() { fs::remove_all(root); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(root / name, std::ios::binary) << text;
  }
  std::string read(const char* name) const {
    std::ifstream file(root / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  web::Folder folder() const { return web::Folder::open((root / "served").string()).value(); }

  const fs::path root =
      fs::path(testing::TempDir()) / ("naru_server_" + std::to_string(::getpid()));
};

class ServerTest : public testing::Test {
 protected:
  static web::ServerOptions options() {
    return {.allow_upload = true,
            .header_bytes = 2048,
            .header_time = std::chrono::milliseconds(300),
            .idle_time = std::chrono::milliseconds(600)};
  }
  ServerTest() { server.start(); }
  ~ServerTest() override {
    server.stop();
    context.restart();
    context.run_for(std::chrono::seconds(5));
  }

  template <class Result>
  Result run(net::awaitable<Result> coroutine) {
    std::optional<Result> result;
    net::co_spawn(context, std::move(coroutine),
                  [&](const std::exception_ptr& error, Result value) {
                    if (error) std::rethrow_exception(error);
                    result = std::move(value);
                  });
    context.restart();
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!result && std::chrono::steady_clock::now() < end) {
      context.run_one_for(std::chrono::milliseconds(100));
    }
    EXPECT_TRUE(result) << "no answer";
    return result.value_or(Result());
  }

  // Sends the bytes and gives all that comes until the server ends the connection.
  std::string talk(std::string request) {
    return run([&]() -> net::awaitable<std::string> {
      ip::tcp::socket socket(context);
      co_await socket.async_connect(server.endpoint(), use_awaitable);
      co_await net::async_write(socket, net::buffer(request), use_awaitable);
      std::string answer;
      error_code ec;
      co_await net::async_read(socket, net::dynamic_buffer(answer),
                               net::redirect_error(use_awaitable, ec));
      co_return answer;
    }());
  }
  std::string get(const std::string& target, const std::string& fields = "",
                  const std::string& method = "GET") {
    return talk(method + " " + target + " HTTP/1.1\r\nHost: naru\r\nConnection: close\r\n" +
                fields + "\r\n");
  }
  std::string url(const std::string& target) {
    return "http://127.0.0.1:" + std::to_string(server.endpoint().port()) + target;
  }
  // The words of the failure, or nothing.
  std::string download(const std::string& target, bool resume = false) {
    Download fetch(context, {.output = (site.root / "got").string(),
                             .resume = resume,
                             .timeout = std::chrono::seconds(5),
                             .find_host = [](const std::string& name) {
                               const IpAddr v4 = IpAddr::loopback_v4();
                               const IpAddr v6 = *IpAddr::parse("::1");
                               if (name == "web.test") return std::vector{v4};
                               if (name == "both.test") return std::vector{v6, v4};
                               return std::vector<IpAddr>();
                             }});
    return run([&]() -> net::awaitable<std::string> {
      try {
        co_await fetch.run(Url::parse(target).value());
      } catch (const Failure& failure) {
        co_return failure.what();
      }
      co_return "";
    }());
  }

  Site site;
  std::unique_ptr<Host> host = Host::create({}).value();
  StackContext context{*host};
  web::Server server{context, {ip::make_address("127.0.0.1"), 0}, site.folder(), options()};
};

// --- what is served ----------------------------------------------------------------

TEST_F(ServerTest, AFileWithItsFields) {
  EXPECT_THAT(get("/page.txt"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 10\r\n"),
                    HasSubstr("Content-Type: text/plain"), HasSubstr("ETag: \""),
                    HasSubstr("Last-Modified: "), HasSubstr("Accept-Ranges: bytes"),
                    HasSubstr("Date: "), EndsWith("\r\n\r\n0123456789")));
  EXPECT_THAT(get("/empty"), AllOf(HasSubstr("Content-Length: 0"), EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, HeadHasNoBody) {
  EXPECT_THAT(
      get("/page.txt", "", "HEAD"),
      AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Content-Length: 10"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(get("/nothing", "", "HEAD"), AllOf(StartsWith("HTTP/1.1 404"), EndsWith("\r\n\r\n")));
}

TEST_F(ServerTest, ALargeFile) {
  const std::string answer = get("/big");
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), site.read("served/big"));
}

TEST_F(ServerTest, FoldersHaveIndexPagesOrListings) {
  EXPECT_THAT(get("/sub/"), AllOf(HasSubstr("text/html"), EndsWith("<p>sub")));
  EXPECT_THAT(get("/sub"), AllOf(StartsWith("HTTP/1.1 301"), HasSubstr("Location: /sub/\r\n")));
  EXPECT_THAT(get("/list/"), AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("a&amp;b")));
}

TEST_F(ServerTest, WhatIsOutsideDoesNotExist) {
  EXPECT_THAT(get("/nothing"), StartsWith("HTTP/1.1 404 Not Found"));
  EXPECT_THAT(get("/page.txt/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/../secret"), AllOf(StartsWith("HTTP/1.1 400"), Not(HasSubstr("secret"))));
  EXPECT_THAT(get("/%2e%2e/secret"), StartsWith("HTTP/1.1 400"));
}

TEST_F(ServerTest, Ranges) {
  EXPECT_THAT(get("/page.txt", "Range: bytes=2-4\r\n"),
              AllOf(StartsWith("HTTP/1.1 206"), HasSubstr("Content-Range: bytes 2-4/10\r\n"),
                    HasSubstr("Content-Length: 3\r\n"), EndsWith("\r\n\r\n234")));
  EXPECT_THAT(get("/page.txt", "Range: bytes=10-\r\n"),
              AllOf(StartsWith("HTTP/1.1 416"), HasSubstr("Content-Range: bytes */10\r\n")));
  EXPECT_THAT(get("/page.txt", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n"),
              AllOf(StartsWith("HTTP/1.1 200"), EndsWith("0123456789")));
}

TEST_F(ServerTest, Conditions) {
  const std::string answer = get("/page.txt");
  const std::size_t at = answer.find("ETag: ") + 6;
  const std::string etag = answer.substr(at, answer.find("\r\n", at) - at);
  EXPECT_THAT(
      get("/page.txt", "If-None-Match: " + etag + "\r\n"),
      AllOf(StartsWith("HTTP/1.1 304"), Not(HasSubstr("Content-Length")), EndsWith("\r\n\r\n")));
  EXPECT_THAT(get("/page.txt", "If-Match: \"other\"\r\n"), StartsWith("HTTP/1.1 412"));
}

// --- requests that are not what they should be -----------------------------------------

TEST_F(ServerTest, BadRequests) {
  EXPECT_THAT(talk("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(talk("GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400"));  // no Host
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get("/", "", "DELETE"),
              AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD, PUT")));
  EXPECT_THAT(get("/", "", "FROB"), StartsWith("HTTP/1.1 501"));
}

TEST_F(ServerTest, AHeaderHasLimits) {
  EXPECT_THAT(get("/" + std::string(5000, 'x')), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(get("/", "X: " + std::string(5000, 'x') + "\r\n"), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(talk("GET / HTTP/1.1\r\nHost:"), StartsWith("HTTP/1.1 408"));
}

TEST_F(ServerTest, AnIdleConnectionIsClosedWithoutAWord) { EXPECT_EQ(talk(""), ""); }

// --- connections -----------------------------------------------------------------------

TEST_F(ServerTest, OneConnectionManyRequests) {
  const std::string answer = talk(
      "GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n"
      "HEAD /page.txt HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = answer.find("HTTP/1.1 200", at)) != std::string::npos; ++at) {
    ++answers;
  }
  EXPECT_EQ(answers, 3U);
}

TEST_F(ServerTest, Http10EndsWithTheAnswer) {
  EXPECT_THAT(talk("GET /page.txt HTTP/1.0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close"), EndsWith("789")));
}

TEST_F(ServerTest, UploadsAreCountedAndHashed) {
  constexpr auto kAnswer =
      "3 bytes, SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
  EXPECT_THAT(
      talk("PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"),
      AllOf(StartsWith("HTTP/1.1 200"), EndsWith(kAnswer)));
  EXPECT_THAT(talk("PUT /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"), EndsWith(kAnswer)));
}

TEST(ServerWithoutUploads, RefusesPut) {
  const Site site;
  const auto host = Host::create({}).value();
  StackContext context(*host);
  web::Server server(context, {ip::make_address("127.0.0.1"), 80}, site.folder(), {});
  server.start();
  ip::tcp::socket socket(context);
  std::string answer;
  socket.async_connect(server.endpoint(), [&](const error_code&) {
    socket.send(net::buffer(std::string("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")));
    net::async_read(socket, net::dynamic_buffer(answer), [&](const error_code&, std::size_t) {
      server.stop();
      context.stop();
    });
  });
  context.run_for(std::chrono::seconds(10));
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD\r\n")));
}

// --- downloads -------------------------------------------------------------------------

TEST_F(ServerTest, DownloadWritesTheFile) {
  EXPECT_EQ(download(url("/big")), "");
  EXPECT_TRUE(site.read("got") == site.read("served/big"));
  EXPECT_EQ(download(url("/empty")), "");
  EXPECT_EQ(site.read("got"), "");
}

TEST_F(ServerTest, DownloadFollowsRedirectsAndKnowsNames) {
  const std::string port = std::to_string(server.endpoint().port());
  EXPECT_EQ(download("http://web.test:" + port + "/sub"), "");
  EXPECT_EQ(site.read("got"), "<p>sub");
}

TEST_F(ServerTest, DownloadGoesOn) {
  site.write("got", "0123");
  EXPECT_EQ(download(url("/page.txt"), true), "");
  EXPECT_EQ(site.read("got"), "0123456789");
  EXPECT_EQ(download(url("/page.txt"), true), "");  // nothing is missing
  EXPECT_EQ(site.read("got"), "0123456789");
}

TEST_F(ServerTest, DownloadTriesAllAddresses) {
  // The server is at 127.0.0.1 alone: ::1 is tried first, and refuses.
  const std::string port = std::to_string(server.endpoint().port());
  EXPECT_EQ(download("http://both.test:" + port + "/page.txt"), "");
  EXPECT_EQ(site.read("got"), "0123456789");
  EXPECT_THAT(download("http://both.test:9/"),
              HasSubstr("cannot connect to [::1]:9: Connection refused"));
}

TEST_F(ServerTest, DownloadSaysWhatIsWrong) {
  EXPECT_EQ(download(url("/nothing")), url("/nothing") + ": 404 Not Found");
  EXPECT_EQ(download("http://127.0.0.1:9/"),
            "http://127.0.0.1:9/: cannot connect to 127.0.0.1:9: Connection refused");
  EXPECT_THAT(download("http://no.such.host.invalid/"), HasSubstr("no address found"));
  EXPECT_FALSE(fs::exists(site.root / "got"));
}

}  // namespace
}  // namespace naru::cli
