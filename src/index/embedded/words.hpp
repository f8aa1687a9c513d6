// The words part of the embedded index: how segments, terms and queries look in Xapian.
//
// Every term starts with its field and its tenant, so that document frequencies, vocabulary and
// positions of tenants never mix; BM25 takes number and length of documents from the tenant's own
// recordings. A document's length counts scored words only: exact words carry positions, not
// weight.
#pragma once

#include <xapian.h>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "index/index.hpp"

namespace narralytica::index {

// `error` of a Xapian call as ours: kConflict with kReaderExpired when a writer overtook the
// reader, kCorrupt for damage, kUnavailable for the rest.
Error FromXapian(const Xapian::Error& error);

// Runs `call`, which returns a Result; a Xapian exception becomes its error.
template <typename Call>
auto GuardXapian(const Call& call) -> decltype(call()) {
  try {
    return call();
  } catch (const Xapian::Error& error) {
    return Fail(FromXapian(error));
  }
}

// What a words database says of itself: the manifest it belongs to, and the change number.
struct WordsCommit {
  uint64_t manifest = 0;
  int64_t seq = 0;
};
Result<WordsCommit> ReadWordsCommit(const Xapian::Database& words);
void WriteWordsCommit(WordsCommit commit, Xapian::WritableDatabase& words);

std::string EncodeTerm(uint32_t tenant, Field field, std::string_view text);
// What all documents have that the filter's speaker speaks in; empty without one. Such terms weigh
// nothing.
std::vector<std::string> SpeakerTerms(uint32_t tenant, const Filter& filter);

struct WordsDocument {
  Xapian::Document document;
  uint64_t scored_words = 0;
};
WordsDocument MakeWordsDocument(uint32_t tenant, const Recording& recording, size_t segment);
// Of a document's data; kCorrupt when it is not what MakeWordsDocument wrote.
Result<FoundSegment> DecodeFoundSegment(std::string_view data);

Xapian::Query MakeXapianQuery(uint32_t tenant, const TextQuery& query);

// Statistics of one tenant's documents.
struct TenantStatistics {
  double documents = 0;
  double words_mean = 0;
};

class Bm25Weight final : public Xapian::Weight {
 public:
  Bm25Weight(Bm25 parameters, TenantStatistics statistics);
  Bm25Weight* clone() const override;
  void init(double factor) override;
  double get_sumpart(Xapian::termcount wdf, Xapian::termcount length,
                     Xapian::termcount) const override;
  double get_maxpart() const override;
  double get_sumextra(Xapian::termcount, Xapian::termcount) const override { return 0; }
  double get_maxextra() const override { return 0; }

 private:
  double Saturation(double count, double length) const;

  Bm25 parameters_;
  TenantStatistics statistics_;
  double idf_ = 0;
};

// Rows [first, first + count).
struct RowRange {
  uint32_t first = 0;
  uint32_t count = 0;
};

// Lets only documents of given rows match: a filter at posting level. `ranges` are sorted,
// disjoint and not empty.
class RowSource final : public Xapian::PostingSource {
 public:
  explicit RowSource(std::vector<RowRange> ranges);
  Xapian::doccount get_termfreq_min() const override { return 0; }
  Xapian::doccount get_termfreq_est() const override { return rows_; }
  Xapian::doccount get_termfreq_max() const override { return rows_; }
  void init(const Xapian::Database&) override;
  void next(double) override;
  void skip_to(Xapian::docid document, double) override;
  bool at_end() const override { return at_ == ranges_.size(); }
  Xapian::docid get_docid() const override { return document_; }

 private:
  std::vector<RowRange> ranges_;
  Xapian::doccount rows_ = 0;
  size_t at_ = 0;
  Xapian::docid document_ = 0;
};

}  // namespace narralytica::index
