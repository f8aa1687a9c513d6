// Three ways to find words and our way to find vectors, in one process on a line protocol, for
// tests/bench/lexical.py and vectors.py: one JSON object a line in, one a line out. Test-only.
//
//     {"op": "build", "side": SIDE, "recordings": FILE}           -> {"segments": n, "took_s": s}
//     {"op": "search", "side": SIDE, "queries": ["a b", ...]}
//                        -> {"took_us": [us, ...], "hits": [[[recording, segment], ...], ...]}
//     {"op": "build_vectors", "file": FILE, "rows": n}            -> {"segments": n, "took_s": s}
//     {"op": "nearest", "queries": [[float, ...], ...]}           -> {"took_us": …, "hits": …}
//
// SIDE is "ours" (query text → parsed, planned, matched by the index: the lexical leg), "whole"
// (the searcher in lexical mode on the same index: passages, neighbours, highlights and all; never
// built), "xapian" (its own TermGenerator, QueryParser and BM25) or "fts5". A query is words, any
// of which may match. FILE of recordings has one JSON array of texts a line; FILE of vectors has
// rows of 384 floats.
//
// Usage: search_bench FOLDER
#include <fmt/format.h>
#include <sqlite3.h>
#include <xapian.h>

#include <chrono>
#include <fstream>
#include <iostream>

#include "index/embedded_index.hpp"
#include "search/searcher.hpp"

namespace narralytica {
namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using Place = std::pair<uint32_t, uint32_t>;  // recording, segment
using Hits = std::vector<Place>;

constexpr uint32_t kHits = 10;
constexpr uint32_t kDimension = 384;
constexpr uint32_t kVectorsPerRecording = 100'000;
constexpr int kScanThreads = 2;
constexpr int64_t kFtsCacheKib = 1 << 20;

std::string Uuid(uint32_t number) { return fmt::format("01900000-0000-7000-8000-{:012}", number); }
const TenantId kTenant = TenantId::FromTrusted(Uuid(0));

[[noreturn]] void Die(const std::string& why) {
  std::cerr << "search_bench: " << why << "\n";
  std::exit(1);
}
template <typename T>
T Must(Result<T> result) {
  if (!result) Die(result.error().Describe() + " " + result.error().cause);
  return std::move(*result);
}
void Must(const Status& status) {
  if (!status) Die(status.error().Describe() + " " + status.error().cause);
}

class Side {
 public:
  virtual ~Side() = default;
  virtual void Add(uint32_t recording, const std::vector<std::string>& texts) = 0;
  virtual void Finish() = 0;
  virtual Hits Search(const std::string& query) = 0;
};

index::Recording EmptyRecording(uint32_t number) {
  index::Recording recording;
  recording.tenant_id = kTenant;
  recording.video_id = VideoId::FromTrusted(Uuid(number));
  recording.transcript_id = TranscriptId::FromTrusted(Uuid(number));
  recording.source = "upload";
  return recording;
}

void AppendSegment(std::string text, index::Recording& recording) {
  const auto place = static_cast<int>(recording.segments.size());
  recording.segments.push_back({.id = SegmentId::FromTrusted(Uuid(place)),
                                .segment_index = place,
                                .range = {place * 1000, (place + 1) * 1000},
                                .text = std::move(text),
                                .language = "en",
                                .speaker_id = {},
                                .speaker_name = {}});
}

// The index port and what stands on it.
class Ours : public Side {
 public:
  explicit Ours(const std::string& folder)
      : index_(Must(index::OpenEmbeddedIndex({folder, kScanThreads, {}}))),
        searcher_({*index_, nullptr, {}, {}}) {}

  void Add(uint32_t recording, const std::vector<std::string>& texts) override {
    index::Recording made = EmptyRecording(recording);
    for (const std::string& text : texts) AppendSegment(text, made);
    Replace(made);
  }

  void Finish() override {
    Must(writer_->Commit());
    writer_.reset();
  }

  Hits Search(const std::string& query) override {
    const auto reader = Must(index_->Read(kTenant));
    const auto plan = Must(search::PlanQuery(Must(search::ParseQuery(query)), {}, *reader));
    return Places(Must(reader->MatchText(plan.text, {}, {}, kHits)).hits);
  }

  Hits SearchWhole(const std::string& query) const {
    search::SearchRequest request;
    request.tenant = kTenant;
    request.query = query;
    request.mode = search::Mode::kLexical;
    request.limit = kHits;
    const auto reply = Must(searcher_.Search(request, Deadline::Never()));
    Hits hits;
    for (const search::SearchHit& hit : reply.items) {
      hits.emplace_back(std::stoul(hit.found.video_id.str().substr(24)),
                        hit.found.segment.segment_index);
    }
    return hits;
  }

  void AddVectors(const std::string& file, uint32_t rows) {
    std::ifstream in(file, std::ios::binary);
    std::vector<float> row(kDimension);
    for (uint32_t first = 0; first < rows; first += kVectorsPerRecording) {
      index::Recording recording = EmptyRecording(first / kVectorsPerRecording);
      index::VideoVectors vectors{"bench", std::string(64, 'a'), kDimension, {}, {}};
      for (uint32_t i = first; i < std::min(rows, first + kVectorsPerRecording); ++i) {
        if (!in.read(reinterpret_cast<char*>(row.data()), kDimension * sizeof(float))) {
          Die("the file of vectors is too short");
        }
        AppendQuantized(row, vectors);
        AppendSegment("a", recording);
      }
      recording.vectors = std::move(vectors);
      Replace(recording);
    }
    Finish();
  }

  Hits Nearest(const std::vector<float>& query) {
    const auto reader = Must(index_->Read(kTenant));
    const auto found =
        Must(reader->Nearest({std::string(64, 'a'), query}, {}, kHits, Deadline::Never()));
    return Places(found.hits);
  }

 private:
  // Recordings are numbered from 0 and sort by that number: a reader's ordinal is the number.
  static Hits Places(const std::vector<index::Hit>& found) {
    Hits hits;
    for (const index::Hit& hit : found) hits.emplace_back(hit.ref.video, hit.ref.place);
    return hits;
  }

  void Replace(const index::Recording& recording) {
    if (!writer_) writer_ = Must(index_->Write("", Deadline::Never()));
    Must(writer_->Replace(recording, {++seq_, 1}));
  }

  std::unique_ptr<index::Index> index_;
  search::Searcher searcher_;
  std::unique_ptr<index::Writer> writer_;
  int64_t seq_ = 0;
};

class Whole final : public Side {
 public:
  explicit Whole(const Ours& ours) : ours_(ours) {}
  void Add(uint32_t, const std::vector<std::string>&) override { Die("'whole' is not built"); }
  void Finish() override {}
  Hits Search(const std::string& query) override { return ours_.SearchWhole(query); }

 private:
  const Ours& ours_;
};

// Xapian as its own guide shows it.
class PlainXapian final : public Side {
 public:
  explicit PlainXapian(const std::string& folder)
      : words_(folder, Xapian::DB_CREATE_OR_OVERWRITE), stemmer_("en") {
    generator_.set_stemmer(stemmer_);
  }

  void Add(uint32_t recording, const std::vector<std::string>& texts) override {
    for (const std::string& text : texts) {
      Xapian::Document document;
      generator_.set_document(document);
      generator_.index_text(text);
      document.set_data(text);
      words_.add_document(document);
      places_.emplace_back(recording, static_cast<uint32_t>(&text - texts.data()));
    }
  }

  void Finish() override { words_.commit(); }

  Hits Search(const std::string& query) override {
    Xapian::QueryParser parser;
    parser.set_stemmer(stemmer_);
    parser.set_database(words_);
    Xapian::Enquire enquire(words_);
    enquire.set_query(parser.parse_query(query));
    Hits hits;
    const Xapian::MSet matches = enquire.get_mset(0, kHits);
    for (auto match = matches.begin(); match != matches.end(); ++match) {
      hits.push_back(places_[*match - 1]);
    }
    return hits;
  }

 private:
  Xapian::WritableDatabase words_;
  Xapian::Stem stemmer_;
  Xapian::TermGenerator generator_;
  std::vector<Place> places_;
};

// SQLite FTS5 as its documentation advises: Porter stemming, one transaction, 'optimize',
// ORDER BY rank, a prepared statement, the whole database in its page cache.
class Fts5 final : public Side {
 public:
  explicit Fts5(const std::string& file) {
    if (sqlite3_open(file.c_str(), &database_) != SQLITE_OK) Die("cannot open the FTS5 database");
    Run("PRAGMA journal_mode=WAL");
    Run(fmt::format("PRAGMA cache_size=-{}", kFtsCacheKib));
    Run(fmt::format("PRAGMA mmap_size={}", kFtsCacheKib << 10));
    Run("CREATE VIRTUAL TABLE segment USING fts5(text, tokenize='porter unicode61')");
    insert_ = Prepare("INSERT INTO segment(text) VALUES (?)");
    search_ = Prepare("SELECT rowid FROM segment WHERE segment MATCH ? ORDER BY rank LIMIT 10");
    Run("BEGIN");
  }
  ~Fts5() override {
    sqlite3_finalize(insert_);
    sqlite3_finalize(search_);
    sqlite3_close(database_);
  }
  Fts5(const Fts5&) = delete;
  Fts5& operator=(const Fts5&) = delete;

  void Add(uint32_t recording, const std::vector<std::string>& texts) override {
    for (const std::string& text : texts) {
      Bind(insert_, text);
      if (sqlite3_step(insert_) != SQLITE_DONE) Die(sqlite3_errmsg(database_));
      sqlite3_reset(insert_);
      places_.emplace_back(recording, static_cast<uint32_t>(&text - texts.data()));
    }
  }

  void Finish() override {
    Run("COMMIT");
    Run("INSERT INTO segment(segment) VALUES ('optimize')");
  }

  Hits Search(const std::string& query) override {
    std::string any;
    for (size_t begin = 0; begin < query.size();) {
      const size_t end = std::min(query.find(' ', begin), query.size());
      any += fmt::format("{}\"{}\"", any.empty() ? "" : " OR ", query.substr(begin, end - begin));
      begin = end + 1;
    }
    Bind(search_, any);
    Hits hits;
    int step = SQLITE_ROW;
    while ((step = sqlite3_step(search_)) == SQLITE_ROW) {
      hits.push_back(places_[static_cast<size_t>(sqlite3_column_int64(search_, 0)) - 1]);
    }
    if (step != SQLITE_DONE) Die(sqlite3_errmsg(database_));
    sqlite3_reset(search_);
    return hits;
  }

 private:
  void Run(const std::string& statement) {
    if (sqlite3_exec(database_, statement.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      Die(sqlite3_errmsg(database_));
    }
  }
  sqlite3_stmt* Prepare(const char* text) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(database_, text, -1, &statement, nullptr) != SQLITE_OK) {
      Die(sqlite3_errmsg(database_));
    }
    return statement;
  }
  static void Bind(sqlite3_stmt* statement, const std::string& text) {
    sqlite3_bind_text(statement, 1, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* search_ = nullptr;
  std::vector<Place> places_;
};

class Bench {
 public:
  explicit Bench(const std::string& folder) : folder_(folder), ours_(folder + "/ours") {}

  Json Handle(const Json& line) {
    const std::string op = line.at("op");
    if (op == "build") return Build(Find(line.at("side")), line.at("recordings"));
    if (op == "build_vectors") return BuildVectors(line);
    if (op == "nearest") {
      const auto queries = line.at("queries").get<std::vector<std::vector<float>>>();
      return Timed(queries, [&](const auto& query) { return ours_.Nearest(query); });
    }
    if (op != "search") Die("there is no operation " + op);
    Side& side = Find(line.at("side"));
    const auto queries = line.at("queries").get<std::vector<std::string>>();
    return Timed(queries, [&](const auto& query) { return side.Search(query); });
  }

 private:
  Side& Find(const std::string& name) {
    if (name == "ours") return ours_;
    if (name == "whole") return whole_;
    auto& side = peers_[name];
    if (!side && name == "xapian") side = std::make_unique<PlainXapian>(folder_ + "/xapian");
    if (!side && name == "fts5") side = std::make_unique<Fts5>(folder_ + "/fts5.sqlite");
    if (!side) Die("there is no side " + name);
    return *side;
  }

  static double SecondsSince(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  static Json Build(Side& side, const std::string& file) {
    std::ifstream in(file);
    if (!in) Die("cannot read " + file);
    Clock::duration took{0};
    uint32_t recordings = 0;
    size_t segments = 0;
    for (std::string line; std::getline(in, line);) {
      const auto texts = Json::parse(line).get<std::vector<std::string>>();
      const auto begin = Clock::now();
      side.Add(recordings++, texts);
      took += Clock::now() - begin;
      segments += texts.size();
    }
    const auto begin = Clock::now();
    side.Finish();
    took += Clock::now() - begin;
    return {{"segments", segments}, {"took_s", std::chrono::duration<double>(took).count()}};
  }

  Json BuildVectors(const Json& line) {
    const uint32_t rows = line.at("rows");
    const auto begin = Clock::now();
    ours_.AddVectors(line.at("file"), rows);
    return {{"segments", rows}, {"took_s", SecondsSince(begin)}};
  }

  template <typename Query, typename Search>
  static Json Timed(const std::vector<Query>& queries, const Search& search) {
    Json took = Json::array();
    Json hits = Json::array();
    for (const Query& query : queries) {
      const auto begin = Clock::now();
      const Hits found = search(query);
      took.push_back(SecondsSince(begin) * 1e6);
      hits.push_back(found);
    }
    return {{"took_us", took}, {"hits", hits}};
  }

  const std::string folder_;
  Ours ours_;
  Whole whole_{ours_};
  std::map<std::string, std::unique_ptr<Side>> peers_;
};

int Run(const std::string& folder) {
  Bench bench(folder);
  for (std::string line; std::getline(std::cin, line);) {
    std::cout << bench.Handle(Json::parse(line)).dump() << "\n" << std::flush;
  }
  return 0;
}

}  // namespace
}  // namespace narralytica

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: search_bench FOLDER\n";
    return 2;
  }
  return narralytica::Run(argv[1]);
}
