#include "speakers/identify.hpp"

#include <algorithm>
#include <map>

namespace narralytica::speakers {
namespace {

using nlohmann::json;
using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kPrevious{"diarizations.superseded_by",
                              "SELECT id FROM diarizations WHERE tenant_id = $1 AND video_id = $2"
                              " AND superseded_by = $3"};
constexpr Statement kLinks{
    "speakers.links",
    "SELECT id, person_id, person_how, person_score, voice_erased, speech_ms FROM speakers"
    " WHERE tenant_id = $1 AND diarization_id = $2 ORDER BY speaker_index"};
constexpr Statement kSetErased{
    "speakers.set_voice_erased",
    "UPDATE speakers SET voice_erased = 1 WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kRejectedOf{"identity_rejections.of_speaker",
                                "SELECT person_id FROM identity_rejections"
                                " WHERE tenant_id = $1 AND speaker_id = $2 ORDER BY person_id"};
constexpr Statement kDenied{"people.denied",
                            "SELECT id FROM people WHERE tenant_id = $1 AND consent = 'denied'"};
constexpr Statement kPresent{
    "speakers.people_of_video",
    "SELECT DISTINCT s.person_id FROM speakers s JOIN diarizations d ON d.tenant_id = s.tenant_id"
    " AND d.id = s.diarization_id WHERE s.tenant_id = $1 AND s.video_id = $2"
    " AND d.superseded_by IS NULL AND s.person_id IS NOT NULL"};
// Live speakers of a person who were found by matching.
constexpr Statement kMatched{
    "speakers.matched_to",
    "SELECT s.id, s.video_id, s.diarization_id, s.person_score FROM speakers s"
    " JOIN diarizations d ON d.tenant_id = s.tenant_id AND d.id = s.diarization_id"
    " JOIN videos v ON v.tenant_id = s.tenant_id AND v.id = s.video_id"
    " WHERE s.tenant_id = $1 AND s.person_id = $2 AND s.person_how = 'match'"
    " AND d.superseded_by IS NULL AND v.status <> 'deleted' ORDER BY s.id LIMIT $3"};
constexpr Statement kOtherVoices{
    "voiceprints.count_others",
    "SELECT COUNT(*) FROM voiceprints p JOIN speakers s ON s.tenant_id = p.tenant_id"
    " AND s.id = p.speaker_id JOIN diarizations d ON d.tenant_id = s.tenant_id"
    " AND d.id = s.diarization_id WHERE p.tenant_id = $1 AND (p.person_id = $2 OR"
    " (p.person_id IS NULL AND s.person_id = $2 AND s.id <> $3 AND d.superseded_by IS NULL))"};

constexpr int kFollowersMax = 2'000;  // of a person, scored again at once
constexpr int kRoundsMax = 10;

struct OldSpeaker {
  SpeakerId id;
  std::optional<PersonLink> link;
  bool erased = false;
  int64_t speech_ms = 0;
};

// How long each old speaker and each new one speak at the same time.
std::map<std::pair<SpeakerId, SpeakerId>, int64_t> SharedTime(const std::vector<StoredTurn>& old,
                                                              const std::vector<StoredTurn>& now) {
  std::map<std::pair<SpeakerId, SpeakerId>, int64_t> shared;
  size_t first = 0;
  for (const StoredTurn& turn : old) {
    // Turns are ordered by start alone, and a long one may reach over many: only what ended before
    // all that follows can be passed for good.
    while (first < now.size() && now[first].range.end_ms <= turn.range.start_ms) ++first;
    for (size_t i = first; i < now.size() && now[i].range.start_ms < turn.range.end_ms; ++i) {
      const int64_t both = std::min(turn.range.end_ms, now[i].range.end_ms) -
                           std::max(turn.range.start_ms, now[i].range.start_ms);
      if (both > 0) shared[{turn.speaker, now[i].speaker}] += both;
    }
  }
  return shared;
}

// Each old speaker's heir among the new ones, if one has half of their time; nobody is heir twice.
std::map<SpeakerId, SpeakerId> Heirs(const std::vector<OldSpeaker>& old,
                                     const std::vector<StoredTurn>& before,
                                     const std::vector<StoredTurn>& now) {
  struct Claim {
    int64_t both_ms;
    SpeakerId old, heir;
  };
  std::vector<Claim> claims;
  const auto shared = SharedTime(before, now);
  for (const OldSpeaker& speaker : old) {
    for (const auto& [pair, both_ms] : shared) {
      if (pair.first == speaker.id && both_ms * 2 >= speaker.speech_ms) {
        claims.push_back({both_ms, pair.first, pair.second});
      }
    }
  }
  std::ranges::sort(claims, [](const Claim& a, const Claim& b) {
    return std::tie(b.both_ms, a.old, a.heir) < std::tie(a.both_ms, b.old, b.heir);
  });
  std::map<SpeakerId, SpeakerId> heirs;
  std::set<SpeakerId> given;
  for (const Claim& claim : claims) {
    if (heirs.contains(claim.old) || !given.insert(claim.heir).second) continue;
    heirs.emplace(claim.old, claim.heir);
  }
  return heirs;
}

Result<std::vector<OldSpeaker>> OldSpeakers(access::Tx& tx, const std::string& diarization) {
  NRL_TRY(const Rows rows, tx.Query(kLinks, tx.tenant(), diarization));
  std::vector<OldSpeaker> old;
  for (const Row& row : rows) {
    OldSpeaker speaker{SpeakerId::FromTrusted(row.Text(0)), {}, row.Int(4) != 0, row.Int(5)};
    if (!row.IsNull(1)) {
      speaker.link = PersonLink{PersonId::FromTrusted(row.Text(1)), row.Text(2), row.MaybeReal(3)};
    }
    old.push_back(std::move(speaker));
  }
  return old;
}

Result<std::vector<PersonId>> RejectedOf(access::Tx& tx, const SpeakerId& speaker) {
  NRL_TRY(const Rows rows, tx.Query(kRejectedOf, tx.tenant(), speaker));
  std::vector<PersonId> people;
  for (const Row& row : rows) people.push_back(PersonId::FromTrusted(row.Text(0)));
  return people;
}

// Whether a link goes on with the heir without being looked for again.
Result<bool> IsCarried(access::Tx& tx, const OldSpeaker& speaker) {
  if (!speaker.link) return false;
  if (speaker.link->how == "person") return true;
  NRL_TRY(const Rows rows, tx.Query(kOtherVoices, tx.tenant(), speaker.link->person, speaker.id));
  return rows[0].Int(0) == 0;
}

Status CarryOne(access::Tx& tx, const OldSpeaker& speaker, const SpeakerId& heir,
                Environment environment) {
  if (speaker.erased) NRL_CHECK(tx.Execute(kSetErased, tx.tenant(), heir));
  IdentityEdit edit(tx, environment);
  NRL_TRY(const std::vector<PersonId> rejected, RejectedOf(tx, speaker.id));
  for (const PersonId& person : rejected) NRL_CHECK(edit.SetRejected(heir, person, true));
  NRL_TRY(const bool carried, IsCarried(tx, speaker));
  if (carried) NRL_CHECK(edit.Link(heir, speaker.link));
  if (edit.empty()) return {};
  IdentityEvent event{.kind = carried ? "assign" : "reject", .speaker = heir, .actor = "matching"};
  if (carried) event.person = speaker.link->person;
  if (!carried) event.person = rejected.front();
  event.evidence = {{"carried_from", speaker.id.str()}};
  NRL_CHECK(edit.Record(std::move(event)));
  return {};
}

Status CarryOver(access::Tx& tx, const IdentifyRequest& request, Environment environment) {
  NRL_TRY(const Rows previous,
          tx.Query(kPrevious, tx.tenant(), request.video, request.diarization));
  if (previous.empty()) return {};
  const DiarizationId before = DiarizationId::FromTrusted(previous[0].Text(0));
  NRL_TRY(const std::vector<OldSpeaker> old, OldSpeakers(tx, before.str()));
  NRL_TRY(const auto old_turns, TurnsOf(tx, before));
  NRL_TRY(const auto turns, TurnsOf(tx, request.diarization));
  const std::map<SpeakerId, SpeakerId> heirs = Heirs(old, old_turns, turns);
  for (const OldSpeaker& speaker : old) {
    const auto heir = heirs.find(speaker.id);
    if (heir != heirs.end()) NRL_CHECK(CarryOne(tx, speaker, heir->second, environment));
  }
  return {};
}

bool IsSilent(const Voice& voice) {
  return std::ranges::all_of(voice, [](float value) { return value == 0; });
}

// Who is known of the new diarization by now, by speaker.
Result<std::map<SpeakerId, OldSpeaker>> LinksOf(access::Tx& tx, const DiarizationId& diarization) {
  NRL_TRY(std::vector<OldSpeaker> speakers, OldSpeakers(tx, diarization.str()));
  std::map<SpeakerId, OldSpeaker> links;
  for (OldSpeaker& speaker : speakers) links.emplace(speaker.id, speaker);
  return links;
}

Result<MatchQuestion> Ask(access::Tx& tx, const IdentifyRequest& request) {
  MatchQuestion question{
      .video = request.video, .model_hash = request.model.model_hash, .voices = request.voices};
  for (const VoiceToMatch& voice : request.voices) {
    NRL_TRY(const std::vector<PersonId> rejected, RejectedOf(tx, voice.speaker));
    for (const PersonId& person : rejected) question.rejected.emplace(voice.speaker, person);
  }
  NRL_TRY(const Rows present, tx.Query(kPresent, tx.tenant(), request.video));
  NRL_TRY(const Rows denied, tx.Query(kDenied, tx.tenant()));
  for (const Rows* rows : {&present, &denied}) {
    for (const Row& row : *rows) question.withheld.insert(PersonId::FromTrusted(row.Text(0)));
  }
  NRL_TRY(question.known, KnownVoices(tx, request.model.model_hash));
  return question;
}

json EvidenceOf(const Match& match, const IdentityRules& rules, const VoiceModelName& model) {
  json evidence{{"score", match.score},
                {"threshold", rules.threshold},
                {"margin", rules.margin},
                {"model", model.model}};
  if (match.second > -1) evidence["second"] = match.second;
  if (match.other) evidence["other_speaker_id"] = match.other->str();
  return evidence;
}

// The person: whose voice it is, or a new one whom both voices are.
Result<PersonId> Apply(IdentityEdit& edit, const Match& match) {
  std::optional<PersonId> person = match.person;
  if (!person) {
    NRL_TRY(person, edit.CreatePerson(std::nullopt));
    NRL_CHECK(edit.Link(*match.other, PersonLink{*person, "match", match.score}));
  }
  NRL_CHECK(edit.Link(match.speaker, PersonLink{*person, "match", match.score}));
  return *person;
}

struct Follower {
  SpeakerId id;
  VideoId video;
  DiarizationId diarization;
  NewVoiceprint voiceprint;
};

Result<std::vector<Follower>> FollowersOf(access::Tx& tx, const PersonId& person,
                                          const std::set<SpeakerId>& moved) {
  NRL_TRY(const Rows rows, tx.Query(kMatched, tx.tenant(), person, kFollowersMax));
  std::vector<Follower> followers;
  for (const Row& row : rows) {
    const SpeakerId id = SpeakerId::FromTrusted(row.Text(0));
    if (moved.contains(id)) continue;
    NRL_TRY(auto voiceprint, VoiceOfSpeaker(tx, id));
    if (!voiceprint) continue;
    followers.push_back({id, VideoId::FromTrusted(row.Text(1)),
                         DiarizationId::FromTrusted(row.Text(2)), std::move(*voiceprint)});
  }
  return followers;
}

// A person's voices by the model that they are of, each model read once.
class VoicesOfPerson {
 public:
  VoicesOfPerson(access::Tx& tx, PersonId person) : tx_(tx), person_(std::move(person)) {}

  // The cosine to what else is known of the voice; none when nothing else is.
  Result<std::optional<double>> Score(const Follower& follower, const IdentityRules& rules) {
    const std::string& model_hash = follower.voiceprint.model.model_hash;
    if (!by_model_.contains(model_hash)) {
      NRL_TRY(std::vector<KnownVoice> known, KnownVoices(tx_, model_hash));
      std::erase_if(known, [&](const KnownVoice& voice) { return voice.person != person_; });
      by_model_.emplace(model_hash, std::move(known));
    }
    std::vector<KnownVoice> others = by_model_.at(model_hash);
    std::erase_if(others, [&](const KnownVoice& voice) {
      return voice.speaker == follower.id && !voice.enrolled;
    });
    return ScoreAgainst({follower.id, follower.voiceprint.speech_ms, follower.voiceprint.voice},
                        model_hash, others, rules);
  }

 private:
  access::Tx& tx_;
  const PersonId person_;
  std::map<std::string, std::vector<KnownVoice>> by_model_;
};

// Frees those who are no longer near enough; says who.
Result<std::vector<Follower>> FreeTheFar(IdentityEdit& edit, const PersonId& person,
                                         const RescoreRequest& request,
                                         const IdentityRules& rules) {
  std::vector<Follower> freed;
  for (int round = 0; round < kRoundsMax; ++round) {
    NRL_TRY(const std::vector<Follower> followers, FollowersOf(edit.tx(), person, request.moved));
    VoicesOfPerson voices(edit.tx(), person);
    std::vector<Follower> far;
    for (const Follower& follower : followers) {
      NRL_TRY(const auto score, voices.Score(follower, rules));
      if (!score) continue;
      if (*score < rules.threshold) {
        far.push_back(follower);
      } else if (!request.keep_scores) {
        NRL_CHECK(edit.Link(follower.id, PersonLink{person, "match", score}));
      }
    }
    for (const Follower& follower : far) NRL_CHECK(edit.Link(follower.id, std::nullopt));
    freed.insert(freed.end(), far.begin(), far.end());
    if (far.empty()) break;
  }
  return freed;
}

}  // namespace

Status IdentifySpeakers(access::Tx& tx, const IdentifyRequest& request, Environment environment,
                        const IdentityRules& rules) {
  NRL_CHECK(LockIdentities(tx));
  NRL_CHECK(CarryOver(tx, request, environment));
  NRL_TRY(const auto links, LinksOf(tx, request.diarization));
  IdentifyRequest open = request;
  open.voices.clear();
  for (const VoiceToMatch& voice : request.voices) {
    const OldSpeaker& speaker = links.at(voice.speaker);
    if (speaker.erased || IsSilent(voice.voice)) continue;
    NRL_CHECK(InsertVoiceprint(tx,
                               {.speaker = voice.speaker,
                                .person = {},
                                .clip = {},
                                .model = request.model,
                                .speech_ms = voice.speech_ms,
                                .voice = voice.voice},
                               environment));
    if (!speaker.link) open.voices.push_back(voice);
  }
  NRL_CHECK(DeleteSupersededVoices(tx, request.video));
  NRL_TRY(const MatchQuestion question, Ask(tx, open));
  for (const Match& match : MatchVoices(question, rules)) {
    IdentityEdit edit(tx, environment);
    NRL_TRY(const PersonId person, Apply(edit, match));
    NRL_CHECK(edit.Record({.kind = match.person ? "assign" : "create",
                           .person = person,
                           .speaker = match.speaker,
                           .evidence = EvidenceOf(match, rules, request.model),
                           .actor = "matching"}));
  }
  return {};
}

Status RescoreMatches(IdentityEdit& edit, const RescoreRequest& request,
                      const IdentityRules& rules) {
  std::vector<Follower> freed;
  for (const PersonId& person : request.left) {
    NRL_TRY(std::vector<Follower> far, FreeTheFar(edit, person, request, rules));
    freed.insert(freed.end(), far.begin(), far.end());
  }
  for (const Follower& follower : freed) {
    const NewVoiceprint& print = follower.voiceprint;
    NRL_TRY(const MatchQuestion question,
            Ask(edit.tx(), {follower.video,
                            follower.diarization,
                            print.model,
                            {{follower.id, print.speech_ms, print.voice}}}));
    for (const Match& match : MatchVoices(question, rules)) NRL_CHECK(Apply(edit, match));
  }
  return {};
}

}  // namespace narralytica::speakers
