// Runs tests/search-cases/*.case: a corpus, queries, and what each must give. One file is one
// behaviour. The lines of a case:
//
//     # comment
//     recording N [lang=en] [title="..."] [source=upload] [published=2024-05-01] [tenant=1]
//     - TEXT                a segment of that recording; "- [de] TEXT" in another language
//     = 1 0 0 0             the vector of the segment above, four numbers
//     by 1 Ada Lovelace     who speaks the segment above: the speaker's number and name or label
//     query TEXT            begins a query; the lines below belong to it
//     mode hybrid           lexical (default), semantic, hybrid
//     vector 1 0 0 0        what the sentence encoder gives for the query
//     engine down           the sentence encoder does not answer
//     filter language=de source=youtube video=2 speaker=1 from=2024-01-01 until=2025-01-01
//     tenant 2 | limit 2 | offset 1 | spacing 0
//     next                  the page behind the one before, by its cursor
//     expect 1:0 2:3        these hits (recording:segment) in this order; nothing else
//     expect-any 1:0 2:3    the same in any order; "expect" alone: no hit
//     highlight HTML        of the first hit's text
//     title-highlight HTML
//     total 2 eq            or gte
//     correction from=to
//     leg vector down TEXT  or "leg vector ran": did it run, and a part of its reason
//     degraded yes          or no
//     error invalid TEXT    the code, and a part of message or hint
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "index/embedded_index.hpp"
#include "platform/file.hpp"
#include "search/searcher.hpp"

namespace narralytica::search {
namespace {

namespace fs = std::filesystem;
using index::Recording;
using testing::HasSubstr;

constexpr const char* kCases = "tests/search-cases";
constexpr uint32_t kDimension = 4;
const std::string kModelHash(64, 'c');

std::string Uuid(int number) { return fmt::format("01900000-0000-7000-8000-{:012}", number); }
TenantId Tenant(int number) { return TenantId::FromTrusted(Uuid(900'000 + number)); }

std::vector<float> Numbers(const std::string& text) {
  std::istringstream in(text);
  std::vector<float> numbers;
  for (float number = 0; in >> number;) numbers.push_back(number);
  EXPECT_EQ(numbers.size(), kDimension) << text;
  return numbers;
}

// key=value pairs; a value may be quoted.
std::map<std::string, std::string> Pairs(const std::string& text) {
  std::map<std::string, std::string> pairs;
  size_t at = 0;
  while ((at = text.find_first_not_of(' ', at)) != std::string::npos) {
    const size_t equals = text.find('=', at);
    EXPECT_NE(equals, std::string::npos) << text;
    if (equals == std::string::npos) break;
    const std::string key = text.substr(at, equals - at);
    const bool quoted = equals + 1 < text.size() && text[equals + 1] == '"';
    const size_t begin = equals + (quoted ? 2 : 1);
    const size_t end = std::min(text.find(quoted ? '"' : ' ', begin), text.size());
    pairs[key] = text.substr(begin, end - begin);
    at = std::min(end + 1, text.size());
  }
  return pairs;
}

struct Step {
  std::string key;
  std::string value;
  int line = 0;
};

struct Query {
  int line = 0;
  SearchRequest request;
  std::optional<std::vector<float>> vector;
  bool next_page = false;
  std::vector<Step> expectations;
};

struct Case {
  std::vector<Recording> recordings;
  std::vector<Query> queries;
};

class CaseReader {
 public:
  explicit CaseReader(const fs::path& path) : in_(path) { EXPECT_TRUE(in_) << path; }

  Case Read() {
    std::string text;
    while (std::getline(in_, text)) {
      ++line_;
      if (text.empty() || text[0] == '#') continue;
      const size_t space = std::min(text.find(' '), text.size());
      Take(text.substr(0, space), text.substr(std::min(space + 1, text.size())));
    }
    return std::move(case_);
  }

 private:
  void Take(const std::string& key, const std::string& value) {
    if (key == "recording") return AddRecording(value);
    if (key == "-") return AddSegment(value);
    if (key == "=") return AddVector(value);
    if (key == "by") return SetSpeaker(value);
    if (key == "query" || key == "next") return AddQuery(key == "next", value);
    ASSERT_FALSE(case_.queries.empty()) << "line " << line_;
    Query& query = case_.queries.back();
    SearchRequest& request = query.request;
    if (key == "mode")
      request.mode = *ParseMode(value);
    else if (key == "vector")
      query.vector = Numbers(value);
    else if (key == "engine")
      query.vector.reset();
    else if (key == "tenant")
      request.tenant = Tenant(std::stoi(value));
    else if (key == "limit")
      request.limit = static_cast<uint32_t>(std::stoul(value));
    else if (key == "offset")
      request.offset = static_cast<uint32_t>(std::stoul(value));
    else if (key == "spacing")
      request.passage_spacing = static_cast<uint32_t>(std::stoul(value));
    else if (key == "filter")
      SetFilter(value, request.filter);
    else
      query.expectations.push_back({key, value, line_});
  }

  void AddRecording(const std::string& value) {
    const size_t space = std::min(value.find(' '), value.size());
    const int number = std::stoi(value.substr(0, space));
    auto pairs = Pairs(value.substr(space));
    Recording recording;
    recording.video_id = VideoId::FromTrusted(Uuid(number));
    recording.tenant_id = Tenant(pairs.contains("tenant") ? std::stoi(pairs["tenant"]) : 1);
    recording.transcript_id = TranscriptId::FromTrusted(Uuid(100'000 + number));
    recording.title = pairs["title"];
    recording.source = pairs.contains("source") ? pairs["source"] : "upload";
    if (pairs.contains("published")) recording.published_at = *ParseRfc3339(pairs["published"]);
    language_ = pairs.contains("lang") ? pairs["lang"] : "en";
    case_.recordings.push_back(std::move(recording));
  }

  void AddSegment(std::string text) {
    Recording& recording = case_.recordings.back();
    index::IndexedSegment segment;
    segment.language = language_;
    if (text.starts_with('[')) {
      segment.language = text.substr(1, text.find(']') - 1);
      text = text.substr(text.find(']') + 2);
    }
    const auto place = static_cast<int>(recording.segments.size());
    segment.id = SegmentId::FromTrusted(Uuid(200'000 + line_));
    segment.segment_index = place;
    segment.range = {place * 10'000, (place + 1) * 10'000};
    segment.text = std::move(text);
    recording.segments.push_back(std::move(segment));
  }

  void SetSpeaker(const std::string& value) {
    index::IndexedSegment& segment = case_.recordings.back().segments.back();
    const size_t space = std::min(value.find(' '), value.size());
    segment.speaker_id = Uuid(300'000 + std::stoi(value.substr(0, space)));
    segment.speaker_name = value.substr(std::min(space + 1, value.size()));
    const bool is_label = segment.speaker_name.starts_with("Speaker ");
    const auto same = [&](const auto& other) { return other.speaker_id == segment.speaker_id; };
    const auto& segments = case_.recordings.back().segments;
    segment.name_found = !is_label && std::count_if(segments.begin(), segments.end(), same) == 1;
  }

  void AddVector(const std::string& value) {
    Recording& recording = case_.recordings.back();
    if (!recording.vectors) {
      recording.vectors = index::VideoVectors{"case-model", kModelHash, kDimension, {}, {}};
    }
    index::AppendQuantized(Numbers(value), *recording.vectors);
  }

  void AddQuery(bool next_page, const std::string& value) {
    Query query;
    if (next_page) {
      query = case_.queries.back();
      query.expectations.clear();
    } else {
      query.request.tenant = Tenant(1);
      query.request.mode = Mode::kLexical;
      query.request.query = value;
      query.request.passage_spacing = 0;
    }
    query.next_page = next_page;
    query.line = line_;
    case_.queries.push_back(std::move(query));
  }

  static void SetFilter(const std::string& value, index::Filter& filter) {
    for (const auto& [key, text] : Pairs(value)) {
      if (key == "language")
        filter.language = text;
      else if (key == "source")
        filter.source = text;
      else if (key == "video")
        filter.video_id = VideoId::FromTrusted(Uuid(std::stoi(text)));
      else if (key == "speaker")
        filter.speaker_id = SpeakerId::FromTrusted(Uuid(300'000 + std::stoi(text)));
      else if (key == "from")
        filter.published_from = *ParseRfc3339(text);
      else if (key == "until")
        filter.published_until = *ParseRfc3339(text);
      else
        ADD_FAILURE() << "unknown filter " << key;
    }
  }

  std::ifstream in_;
  int line_ = 0;
  std::string language_;
  Case case_;
};

// The sentence encoder of a case: gives the vector that the case names, or is down.
class GivenVector final : public index::Embedder {
 public:
  explicit GivenVector(std::optional<std::vector<float>> vector) : vector_(std::move(vector)) {}
  Result<index::Embeddings> Embed(index::EmbeddingKind, std::span<const std::string>,
                                  const Deadline&) override {
    if (!vector_) return Fail(ErrorCode::kUnavailable, "the engine does not answer", "start it");
    return index::Embeddings{"case-model", kModelHash, kDimension, *vector_};
  }

 private:
  std::optional<std::vector<float>> vector_;
};

std::string NameOf(const SearchHit& hit) {
  return fmt::format("{}:{}", std::stoi(hit.found.video_id.str().substr(24)),
                     hit.found.segment.segment_index);
}

std::string NamesOf(const SearchReply& reply, bool sorted) {
  std::vector<std::string> names;
  for (const SearchHit& hit : reply.items) names.push_back(NameOf(hit));
  if (sorted) std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, " "));
}

std::string Sorted(const std::string& names) {
  std::istringstream in(names);
  std::vector<std::string> all{std::istream_iterator<std::string>(in), {}};
  std::sort(all.begin(), all.end());
  return fmt::format("{}", fmt::join(all, " "));
}

std::string HighlightOf(const SearchReply& reply, const std::string& field) {
  if (reply.items.empty()) return "(no hit)";
  for (const Highlight& highlight : reply.items.front().highlights) {
    if (highlight.field == field) return highlight.text;
  }
  return "(none)";
}

void CheckLeg(const SearchReply& reply, const std::string& value) {
  std::istringstream in(value);
  std::string name;
  std::string state;
  std::string reason;
  in >> name >> state >> std::ws;
  std::getline(in, reason);
  for (const Leg& leg : reply.legs) {
    if (leg.name != name) continue;
    EXPECT_EQ(leg.ran ? "ran" : "down", state);
    EXPECT_THAT(leg.reason, HasSubstr(reason));
    return;
  }
  ADD_FAILURE() << "no leg " << name;
}

void CheckReply(const SearchReply& reply, const Step& step) {
  SCOPED_TRACE(fmt::format("line {}: {} {}", step.line, step.key, step.value));
  const std::string& value = step.value;
  if (step.key == "expect") {
    EXPECT_EQ(NamesOf(reply, false), value);
  } else if (step.key == "expect-any") {
    EXPECT_EQ(NamesOf(reply, true), Sorted(value));
  } else if (step.key == "highlight") {
    EXPECT_EQ(HighlightOf(reply, "text"), value);
  } else if (step.key == "title-highlight") {
    EXPECT_EQ(HighlightOf(reply, "title"), value);
  } else if (step.key == "total") {
    EXPECT_EQ(fmt::format("{} {}", reply.total, reply.total_is_exact ? "eq" : "gte"), value);
  } else if (step.key == "degraded") {
    EXPECT_EQ(reply.degraded ? "yes" : "no", value);
  } else if (step.key == "leg") {
    CheckLeg(reply, value);
  } else if (step.key == "correction") {
    ASSERT_FALSE(reply.corrections.empty());
    const Correction& correction = reply.corrections.front();
    EXPECT_EQ(fmt::format("{}={}", correction.from, fmt::join(correction.to, ",")), value);
  } else {
    ADD_FAILURE() << "unknown line";
  }
}

void CheckError(const Error& error, const Step& step) {
  SCOPED_TRACE(fmt::format("line {}: error {}", step.line, step.value));
  const size_t space = std::min(step.value.find(' '), step.value.size());
  EXPECT_EQ(ToString(error.code), step.value.substr(0, space));
  EXPECT_THAT(error.Describe(),
              HasSubstr(step.value.substr(std::min(space + 1, step.value.size()))));
}

class SearchCases : public testing::TestWithParam<std::string> {};

TEST_P(SearchCases, Gives) {
  const Case test = CaseReader(fs::path(kCases) / (GetParam() + ".case")).Read();
  ASSERT_FALSE(test.queries.empty());
  const auto folder = platform::TemporaryFolder::Create(testing::TempDir(), "search-case");
  ASSERT_TRUE(folder);
  const auto index = index::OpenEmbeddedIndex({folder->path(), 1, {}});
  ASSERT_TRUE(index);
  {
    const auto writer = (*index)->Write("", Deadline::Never());
    ASSERT_TRUE(writer);
    int64_t seq = 0;
    for (const Recording& recording : test.recordings) {
      const auto applied = (*writer)->Replace(recording, {++seq, 1});
      ASSERT_TRUE(applied) << applied.error().Describe();
    }
    ASSERT_TRUE((*writer)->Commit());
  }
  std::string cursor;
  for (Query query : test.queries) {
    SCOPED_TRACE(fmt::format("query of line {}: {}", query.line, query.request.query));
    GivenVector embedder(query.vector);
    const Searcher searcher({**index, &embedder, {}, {}});
    if (query.next_page) query.request.cursor = cursor;
    const auto reply = searcher.Search(query.request, Deadline::Never());
    ASSERT_FALSE(query.expectations.empty());
    for (const Step& step : query.expectations) {
      if (step.key == "error") {
        ASSERT_FALSE(reply) << "expected an error";
        CheckError(reply.error(), step);
      } else {
        ASSERT_TRUE(reply) << reply.error().Describe() << " " << reply.error().cause;
        CheckReply(*reply, step);
      }
    }
    cursor = reply ? reply->next_cursor : "";
  }
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kCases, ignored)) {
    if (entry.path().extension() == ".case") names.push_back(entry.path().stem());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string TestName(const testing::TestParamInfo<std::string>& test) {
  std::string name = test.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, SearchCases, testing::ValuesIn(CaseNames()), TestName);

TEST(SearchCasesFolder, IsThere) { EXPECT_GE(CaseNames().size(), 25u); }

}  // namespace
}  // namespace narralytica::search
