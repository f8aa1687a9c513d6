// Entities as the wire contract (contracts/openapi.yaml) shows them; the command line prints the
// same.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "access/keys.hpp"
#include "access/page.hpp"
#include "api/job_changes.hpp"
#include "jobs/job.hpp"
#include "jobs/job_lists.hpp"
#include "source/feeds.hpp"
#include "transcript/transcript_lists.hpp"

namespace narralytica::api {

using Json = nlohmann::ordered_json;

Json OrNull(const std::string& text);
Json OrNull(const std::optional<UtcMs>& time);
Json OrNull(const std::optional<int64_t>& number);

Json JobJson(const jobs::Job& job);
// StageError, or null.
Json JobErrorJson(const std::optional<jobs::JobError>& error, const std::string& trace);
Json RedrivenJson(const Redriven& redriven);
Json RunJson(const jobs::JobRun& run, const std::string& trace);
Json EventJson(const jobs::JobEvent& event);
Json ChangeJson(const jobs::ListedChange& change);
Json KeyJson(const access::ApiKey& key);
Json CreatedKeyJson(const access::CreatedKey& created);
Json SourceJson(const source::Feed& feed);
Json TranscriptSummaryJson(const transcript::Transcript& transcript);
Json SegmentJson(const transcript::CitedSegment& cited);

// {"items", "page"}
template <typename T, typename ToJson>
Json PageJson(const access::Page<T>& page, const access::PageRequest& request, ToJson to_json) {
  Json items = Json::array();
  for (const T& item : page.items) items.push_back(to_json(item));
  return {{"items", std::move(items)},
          {"page",
           {{"limit", request.limit},
            {"offset", request.offset},
            {"total", page.total},
            {"total_relation", "eq"},
            {"next_cursor", OrNull(access::EncodeCursor(page.after))}}}};
}

}  // namespace narralytica::api
