#include "api/search_service.hpp"

#include <map>

#include "jobs/changes.hpp"
#include "media/video_store.hpp"
#include "transcript/transcript_store.hpp"

namespace narralytica::api {
namespace {

// The words of found segments; a transcript is looked up once.
class WordReader {
 public:
  WordReader(const SearchParts& parts, const access::Scope& scope) : parts_(parts), scope_(scope) {}

  Result<std::vector<search::SpokenWord>> operator()(const index::FoundSegment& found) {
    auto known = transcripts_.find(found.transcript_id.str());
    if (known == transcripts_.end()) {
      auto transcript = access::Read(parts_.database, scope_, [&](access::Tx& tx) {
        return transcript::CurrentTranscript(tx, found.video_id);
      });
      if (!transcript && transcript.error().code != ErrorCode::kNotFound) return Fail(transcript);
      // The index may be a moment behind: a transcript that is no longer the current one.
      if (!transcript || transcript->id != found.transcript_id) {
        return std::vector<search::SpokenWord>{};
      }
      NRL_TRY(auto read, parts_.words.Load(parts_.objects, *transcript));
      known = transcripts_.emplace(found.transcript_id.str(), std::move(read)).first;
    }
    std::vector<search::SpokenWord> words;
    const auto index = static_cast<size_t>(found.segment.segment_index);
    if (index >= known->second->size()) return words;
    for (const transcript::Word& word : known->second->at(index)) {
      words.push_back({{word.start_ms, word.end_ms}, word.text});
    }
    return words;
  }

 private:
  const SearchParts& parts_;
  const access::Scope& scope_;
  std::map<std::string, std::shared_ptr<const transcript::SegmentWords>> transcripts_;
};

// What was deleted is gone at once, though the index follows a little later.
Status LeaveOutDeleted(const SearchParts& parts, const access::Scope& scope,
                       search::SearchReply& reply) {
  return access::Read(parts.database, scope, [&](access::Tx& tx) -> Status {
    std::map<std::string, bool> there;
    for (const search::SearchHit& hit : reply.items) {
      const VideoId& video = hit.found.video_id;
      if (there.contains(video.str())) continue;
      const auto found = media::GetVideo(tx, video);
      if (!found && found.error().code != ErrorCode::kNotFound) return Fail(found);
      there[video.str()] = found.has_value();
    }
    const size_t gone = std::erase_if(reply.items, [&](const search::SearchHit& hit) {
      return !there[hit.found.video_id.str()];
    });
    reply.total -= std::min<uint64_t>(gone, reply.total);
    return {};
  });
}

}  // namespace

std::optional<int64_t> IndexLagMs(platform::Database& database, const Clock& clock,
                                  int64_t as_of_seq) {
  const auto lag =
      access::Read(database, access::SystemScope("search"), [&](access::Tx& tx) -> Result<int64_t> {
        NRL_TRY(const auto oldest, jobs::OldestChangeAfter(tx, as_of_seq));
        return oldest ? clock.Now().value - oldest->value : 0;
      });
  if (!lag) return std::nullopt;
  return std::max<int64_t>(*lag, 0);
}

Result<search::SearchReply> RunSearch(const SearchParts& parts, const access::Scope& scope,
                                      search::SearchRequest request, const Deadline& deadline) {
  const int64_t started_ms = parts.environment.clock.BootMs();
  request.tenant = scope.tenant;
  WordReader words(parts, scope);
  const search::Searcher searcher(
      {parts.index, &parts.embedder, std::ref(words), [&](int64_t as_of_seq) {
         return IndexLagMs(parts.database, parts.environment.clock, as_of_seq);
       }});
  NRL_TRY(search::SearchReply reply, searcher.Search(request, deadline));
  NRL_CHECK(LeaveOutDeleted(parts, scope, reply));
  reply.took_ms = parts.environment.clock.BootMs() - started_ms;
  return reply;
}

}  // namespace narralytica::api
