// What a request asks for: target, range, conditions, dates.
#include <gtest/gtest.h>

#include "cli/web/condition.hpp"
#include "cli/web/date.hpp"
#include "cli/web/listing.hpp"
#include "cli/web/media_type.hpp"
#include "cli/web/range.hpp"
#include "cli/web/target.hpp"

namespace naru::cli::web {
namespace {

TEST(Target, BecomesAPathBelowTheRoot) {
  EXPECT_EQ(path_of_target("/"), "");
  EXPECT_EQ(path_of_target("/a/b.txt"), "a/b.txt");
  EXPECT_EQ(path_of_target("/a//b/"), "a/b/");
  EXPECT_EQ(path_of_target("/a/./b/../c"), "a/c");
  EXPECT_EQ(path_of_target("/a/.."), "");
  EXPECT_EQ(path_of_target("/a%20b%2Fc?x=/../y"), "a b/c");
  EXPECT_EQ(path_of_target("/?"), "");
  EXPECT_EQ(path_of_target("http://host:80/a?b"), "a");
  EXPECT_EQ(path_of_target("http://host"), "");
}

TEST(Target, ThatLeavesTheRootOrMakesNoSenseIsRefused) {
  for (const char* target : {"/..", "/../etc/passwd", "/a/../../b", "/%2e%2e/b", "/a/%2E%2E/..%2f",
                             "/..%2fb", "", "a", "*", "/%", "/%2", "/%zz", "/a%00b"}) {
    EXPECT_EQ(path_of_target(target), std::nullopt) << target;
  }
}

TEST(Target, IsEscaped) {
  EXPECT_EQ(escape_path("a b/\xc3\xa9%?#"), "a%20b/%C3%A9%25%3F%23");
  EXPECT_EQ(escape_html("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(Range, SinglePart) {
  constexpr auto kPart = Range::Kind::part;
  EXPECT_EQ(parse_range("bytes=0-499", 1000), (Range{kPart, 0, 500}));
  EXPECT_EQ(parse_range("bytes=500-", 1000), (Range{kPart, 500, 500}));
  EXPECT_EQ(parse_range("bytes=-1", 1000), (Range{kPart, 999, 1}));
  EXPECT_EQ(parse_range("bytes=-5000", 1000), (Range{kPart, 0, 1000}));
  EXPECT_EQ(parse_range("bytes=999-99999999999999999999", 1000), (Range{kPart, 999, 1}));
}

TEST(Range, BeyondTheEndIsUnsatisfiable) {
  for (const char* field : {"bytes=1000-", "bytes=1000-2000", "bytes=-0"}) {
    EXPECT_EQ(parse_range(field, 1000).kind, Range::Kind::unsatisfiable) << field;
  }
  EXPECT_EQ(parse_range("bytes=0-", 0).kind, Range::Kind::unsatisfiable);
  EXPECT_EQ(parse_range("bytes=-1", 0).kind, Range::Kind::unsatisfiable);
}

TEST(Range, WhatIsNotUnderstoodMeansTheWhole) {
  for (const char* field :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5",
        "bytes= 0-1", "bytes=0x1-", "bytes=--1", "bytes=1-+2"}) {
    EXPECT_EQ(parse_range(field, 1000), Range{}) << field;
  }
}

TEST(Date, RoundTrip) {
  constexpr std::time_t kExample = 784111777;
  EXPECT_EQ(to_http_date(kExample), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kExample);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kExample);
  EXPECT_EQ(parse_http_date("yesterday"), std::nullopt);
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT+1"), std::nullopt);
}

class Condition : public testing::Test {
 protected:
  const Validators now{"\"v2\"", 784111777};
  const std::string same = to_http_date(now.modified);
  const std::string earlier = to_http_date(now.modified - 1);
  const std::string later = to_http_date(now.modified + 1);
};

TEST_F(Condition, NoneProceeds) { EXPECT_EQ(evaluate({}, now), Verdict::proceed); }

TEST_F(Condition, IfNoneMatch) {
  EXPECT_EQ(evaluate({.if_none_match = "\"v2\""}, now), Verdict::not_modified);
  EXPECT_EQ(evaluate({.if_none_match = "\"a,b\", W/\"v2\""}, now), Verdict::not_modified);
  EXPECT_EQ(evaluate({.if_none_match = "*"}, now), Verdict::not_modified);
  EXPECT_EQ(evaluate({.if_none_match = "\"v1\", \"v3\""}, now), Verdict::proceed);
  EXPECT_EQ(evaluate({.if_none_match = "v2"}, now), Verdict::proceed);
  // The tag decides, the date does not count beside it.
  EXPECT_EQ(evaluate({.if_none_match = "\"v1\"", .if_modified_since = later}, now),
            Verdict::proceed);
}

TEST_F(Condition, IfModifiedSince) {
  EXPECT_EQ(evaluate({.if_modified_since = same}, now), Verdict::not_modified);
  EXPECT_EQ(evaluate({.if_modified_since = later}, now), Verdict::not_modified);
  EXPECT_EQ(evaluate({.if_modified_since = earlier}, now), Verdict::proceed);
  EXPECT_EQ(evaluate({.if_modified_since = "nonsense"}, now), Verdict::proceed);
}

TEST_F(Condition, IfMatchAndIfUnmodifiedSince) {
  EXPECT_EQ(evaluate({.if_match = "\"v2\""}, now), Verdict::proceed);
  EXPECT_EQ(evaluate({.if_match = "*"}, now), Verdict::proceed);
  EXPECT_EQ(evaluate({.if_match = "W/\"v2\""}, now), Verdict::precondition_failed);
  EXPECT_EQ(evaluate({.if_match = "\"v1\""}, now), Verdict::precondition_failed);
  EXPECT_EQ(evaluate({.if_unmodified_since = same}, now), Verdict::proceed);
  EXPECT_EQ(evaluate({.if_unmodified_since = earlier}, now), Verdict::precondition_failed);
  EXPECT_EQ(evaluate({.if_unmodified_since = "nonsense"}, now), Verdict::proceed);
}

TEST_F(Condition, IfRange) {
  EXPECT_TRUE(range_applies({}, now));
  EXPECT_TRUE(range_applies({.if_range = "\"v2\""}, now));
  EXPECT_TRUE(range_applies({.if_range = same}, now));
  EXPECT_FALSE(range_applies({.if_range = "W/\"v2\""}, now));
  EXPECT_FALSE(range_applies({.if_range = "\"v1\""}, now));
  EXPECT_FALSE(range_applies({.if_range = later}, now));
  EXPECT_FALSE(range_applies({.if_range = "nonsense"}, now));
}

TEST(MediaType, ByTheLastSuffix) {
  EXPECT_EQ(media_type_of("a/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("PHOTO.JPG"), "image/jpeg");
  EXPECT_EQ(media_type_of("x.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type_of("Makefile"), "application/octet-stream");
  EXPECT_EQ(media_type_of("odd.thing"), "application/octet-stream");
}

TEST(Listing, NamesAreEscaped) {
  const std::vector<Entry> entries{{"sub", true, 0, 0}, {"<b>&.txt", false, 42, 0}};
  const std::string page = listing_page("a/", entries);
  EXPECT_NE(page.find("<a href=\"./sub/\">sub/</a>"), std::string::npos);
  EXPECT_NE(page.find("<a href=\"./%3Cb%3E&amp;.txt\">&lt;b&gt;&amp;.txt</a><td>42<td>1970-01-01"),
            std::string::npos);
  EXPECT_NE(page.find("../"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
}

}  // namespace
}  // namespace naru::cli::web
