#include "source/feed_document.hpp"

#include <gmock/gmock.h>

namespace narralytica::source {
namespace {

using testing::HasSubstr;

FeedDocument Read(const std::string& text, size_t items_max = 100) {
  auto document = ParseFeed(text, items_max);
  EXPECT_TRUE(document) << document.error().message;
  return document.value_or(FeedDocument{});
}

TEST(ParseFeed, ReadsRss) {
  const auto feed = Read(R"(<?xml version="1.0" encoding="ISO-8859-1"?>
<rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"
     xmlns:media="http://search.yahoo.com/mrss/">
<channel><title> The   council
 hour </title><image><title>not this</title></image>
<item><title><![CDATA[One & <two>]]></title><itunes:title>other</itunes:title>
  <guid isPermaLink="false"> g-1 </guid><pubDate>Tue, 24 Nov 2026 18:40:00 +0100</pubDate>
  <enclosure url="/a.mp3?x=1&amp;y=2" type="audio/mpeg" length="12"/></item>
<item><title>no recording</title><enclosure url="/a.pdf" type="application/pdf"/></item>
<item><media:content url="http://example.org/v.mp4" type="video/mp4"/></item>
</channel></rss>)");
  EXPECT_EQ(feed.title, "The council hour");
  ASSERT_EQ(feed.items.size(), 2U);
  EXPECT_EQ(feed.items[0].title, "One & <two>");
  EXPECT_EQ(feed.items[0].guid, "g-1");
  EXPECT_EQ(feed.items[0].enclosure_url, "/a.mp3?x=1&y=2");
  EXPECT_EQ(FormatRfc3339(*feed.items[0].published_at), "2026-11-24T17:40:00.000Z");
  EXPECT_EQ(feed.items[1].identity(), "http://example.org/v.mp4");
  EXPECT_FALSE(feed.items[1].published_at);
}

TEST(ParseFeed, ReadsAtom) {
  const auto feed = Read(R"(<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>
<entry><id>urn:1</id><title>E</title><updated>2026-01-02T00:00:00Z</updated>
<published>2026-01-01T00:00:00Z</published><link rel="alternate" href="http://example.org/"/>
<link rel="enclosure" type="audio/ogg" href="e.ogg"/><source><title>S</title></source></entry>
</feed>)");
  EXPECT_EQ(feed.title, "T");
  ASSERT_EQ(feed.items.size(), 1U);
  EXPECT_EQ(feed.items[0].guid, "urn:1");
  EXPECT_EQ(feed.items[0].title, "E");
  EXPECT_EQ(feed.items[0].enclosure_url, "e.ogg");
  EXPECT_EQ(FormatRfc3339(*feed.items[0].published_at), "2026-01-01T00:00:00.000Z");
}

TEST(ParseFeed, TakesTheFirstItemsOnly) {
  std::string text = "<rss><channel>";
  for (int i = 0; i < 50; ++i) {
    text += "<item><guid>" + std::to_string(i) + "</guid><enclosure url='/x'/></item>";
  }
  EXPECT_EQ(Read(text + "</channel></rss>", 7).items.size(), 7U);
}

TEST(ParseFeed, RefusesWhatIsNoFeedOrTriesMore) {
  std::string deep = "<rss>";
  for (int i = 0; i < 100; ++i) deep += "<a>";
  const std::vector<std::pair<std::string, std::string>> texts{
      {"", "no element"},
      {"<html><body/></html>", "neither rss nor feed"},
      {"<html/>", "neither rss nor feed"},  // started and ended at once
      {"<rss><channel>", "no element found"},
      {"<rss><channel><item></channel></rss>", "mismatched"},
      {deep, "nested too deep"},
      {"<!DOCTYPE rss [<!ENTITY a 'b'>]><rss><channel><title>&a;</title></channel></rss>",
       "document type"},
      {"<!DOCTYPE rss SYSTEM 'file:///etc/passwd'><rss/>", "document type"},
      {"<rss><channel><title>&xxe;</title></channel></rss>", "undefined entity"}};
  for (const auto& [text, why] : texts) {
    const auto document = ParseFeed(text, 10);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().reason, "feed_unreadable");
    EXPECT_THAT(document.error().message, HasSubstr(why));
  }
}

TEST(ParseFeed, TextsAreCutBetweenCharacters) {
  std::string title;
  for (int i = 0; i < 5'000; ++i) title += "ä";
  const auto feed = Read("<rss><channel><title>" + title + "</title></channel></rss>");
  EXPECT_EQ(feed.title.size(), 4'096U);
  EXPECT_TRUE(feed.title.ends_with("ä"));
}

}  // namespace
}  // namespace narralytica::source
