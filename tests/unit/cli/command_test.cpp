// The small parts of the commands: URLs, the progress line, options.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/failure.hpp"
#include "cli/machine.hpp"
#include "cli/progress.hpp"
#include "cli/url.hpp"

namespace naru::cli {
namespace {

using testing::HasSubstr;

TEST(Url, Parts) {
  const Url url = Url::parse("HTTP://web.test:8080/a/b?c=d#e").value();
  EXPECT_EQ(url.host, "web.test");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.target, "/a/b?c=d");
  EXPECT_EQ(url.authority(), "web.test:8080");
  EXPECT_EQ(url.to_string(), "http://web.test:8080/a/b?c=d");
  EXPECT_EQ(url.file_name(), "b");
  EXPECT_EQ(Url::parse("http://a").value().target, "/");
  EXPECT_EQ(Url::parse("http://a?q").value().target, "/?q");
  EXPECT_EQ(Url::parse("http://a/").value().authority(), "a");
  const Url v6 = Url::parse("http://[2001:db8::1]:81/x").value();
  EXPECT_EQ(v6.host, "2001:db8::1");
  EXPECT_EQ(v6.to_string(), "http://[2001:db8::1]:81/x");
  EXPECT_EQ(v6.resolve("/y")->to_string(), "http://[2001:db8::1]:81/y");
  EXPECT_EQ(Url::parse("http://[::1]").value().authority(), "[::1]");
}

TEST(Url, ThatMakesNoSense) {
  for (const char* text :
       {"", "web.test", "https://web.test/", "http://", "http:///x", "http://a b/", "http://a:0/",
        "http://a:65536/", "http://a:b/", "http://a:/", "http://user@a/", "ftp://a/", "http://[::1",
        "http://[]/", "http://[a]/", "http://[1.2.3.4]/", "http://[::1]x/", "http://[::1]:/"}) {
    const auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().find('\n'), std::string::npos);
  }
}

TEST(Url, References) {
  const Url base = Url::parse("http://a:81/b/c?d").value();
  const auto to = [&](const char* reference) { return base.resolve(reference)->to_string(); };
  EXPECT_EQ(to("http://x/y"), "http://x/y");
  EXPECT_EQ(to("//x/y"), "http://x/y");
  EXPECT_EQ(to("/y?z"), "http://a:81/y?z");
  EXPECT_EQ(to("y"), "http://a:81/b/y");
  EXPECT_EQ(to("?y"), "http://a:81/b/c?y");
  EXPECT_FALSE(base.resolve("https://x/"));
}

TEST(Progress, Line) {
  using std::chrono::seconds;
  EXPECT_EQ(progress_line(250'000'000, 1'000'000'000, seconds(2), 60),
            " 25 % [====>              ]  250.0 MB  125.0 MB/s  0:06 left");
  EXPECT_EQ(progress_line(10, 10, seconds(1), 60).substr(0, 6), "100 % ");
  EXPECT_EQ(progress_line(1500, std::nullopt, seconds(1), 60), "    1.5 kB  1.5 kB/s");
  EXPECT_LE(progress_line(1, 2, seconds(1), 20).size(), 20U);
  EXPECT_NO_FATAL_FAILURE(progress_line(0, 0, seconds(0), 5));
}

TEST(StackOptions, FromTheCommandLine) {
  Options options;
  const OptionSpec& spec = option_specs()[static_cast<std::size_t>(Option::ip_default_ttl)];
  set_option(options, std::string(spec.name) + "=9");
  EXPECT_EQ(options.get(Option::ip_default_ttl), 9);
  for (const char* text : {"", "no_such=1", "=1"}) {
    EXPECT_THROW(set_option(options, text), Failure) << text;
  }
  for (const char* value : {"", "=", "=x", "=9x", "=-1", "=99999999999999999999"}) {
    EXPECT_THROW(set_option(options, std::string(spec.name) + value), Failure) << value;
  }
}

TEST(MachineOptions, ThatMakeNoSense) {
  MachineOptions options;
  options.link = "wet:string";
  for (const char* address : {"", "10.0.0.2", "10.0.0.2/33", "x/24"}) {
    options.address = address;
    EXPECT_THROW(Machine{options}, Failure) << address;
  }
  options.address = "10.0.0.2/24";
  for (const char* link :
       {"", "tap", "tap:", "wet:string", "packet:", "packet:no-such-interface"}) {
    options.link = link;
    EXPECT_THROW(Machine{options}, Failure) << link;
  }
}

}  // namespace
}  // namespace naru::cli
