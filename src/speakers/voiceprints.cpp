#include "speakers/voiceprints.hpp"

#include <cstring>

#include "access/sealed.hpp"
#include "base/hash.hpp"

namespace narralytica::speakers {
namespace {

using platform::Row;
using platform::Rows;
using platform::Statement;

constexpr Statement kInsert{
    "voiceprints.insert",
    "INSERT INTO voiceprints (id, tenant_id, speaker_id, person_id, start_ms, end_ms, model,"
    " model_hash, sealed, speech_ms, created_at_ms)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"};
constexpr Statement kInsertKey{
    "voice_keys.insert",
    "INSERT INTO voice_keys (voiceprint_id, tenant_id, secret) VALUES ($1, $2, $3)"};
constexpr Statement kOfSpeaker{
    "voiceprints.of_speaker",
    "SELECT p.model, p.model_hash, p.speech_ms, p.sealed, k.secret FROM voiceprints p"
    " JOIN voice_keys k ON k.tenant_id = p.tenant_id AND k.voiceprint_id = p.id"
    " WHERE p.tenant_id = $1 AND p.speaker_id = $2 AND p.person_id IS NULL"};
constexpr Statement kKnown{
    "voiceprints.known",
    "SELECT p.speaker_id, CASE WHEN p.person_id IS NULL THEN s.person_id ELSE p.person_id END,"
    " p.speech_ms, p.sealed, k.secret, s.video_id,"
    " CASE WHEN p.person_id IS NULL THEN 0 ELSE 1 END FROM voiceprints p"
    " JOIN voice_keys k ON k.tenant_id = p.tenant_id AND k.voiceprint_id = p.id"
    " JOIN speakers s ON s.tenant_id = p.tenant_id AND s.id = p.speaker_id"
    " JOIN videos v ON v.tenant_id = s.tenant_id AND v.id = s.video_id"
    " JOIN diarizations d ON d.tenant_id = s.tenant_id AND d.id = s.diarization_id"
    " WHERE p.tenant_id = $1 AND p.model_hash = $2 AND v.status <> 'deleted'"
    " AND (p.person_id IS NOT NULL OR d.superseded_by IS NULL)"
    " ORDER BY p.id DESC LIMIT $3"};
constexpr Statement kDeleteKey{
    "voice_keys.delete", "DELETE FROM voice_keys WHERE tenant_id = $1 AND voiceprint_id = $2"};
constexpr Statement kDelete{"voiceprints.delete",
                            "DELETE FROM voiceprints WHERE tenant_id = $1 AND id = $2"};
constexpr Statement kSuperseded{
    "voiceprints.superseded",
    "SELECT p.id FROM voiceprints p JOIN speakers s ON s.tenant_id = p.tenant_id"
    " AND s.id = p.speaker_id JOIN diarizations d ON d.tenant_id = s.tenant_id"
    " AND d.id = s.diarization_id WHERE p.tenant_id = $1 AND s.video_id = $2"
    " AND p.person_id IS NULL AND d.superseded_by IS NOT NULL"};
constexpr Statement kOfVideo{
    "voiceprints.of_video",
    "SELECT p.id FROM voiceprints p JOIN speakers s ON s.tenant_id = p.tenant_id"
    " AND s.id = p.speaker_id WHERE p.tenant_id = $1 AND s.video_id = $2"};

constexpr size_t kSecretBytes = 32;

std::string TextOf(const Voice& voice) {
  return {reinterpret_cast<const char*>(voice.data()), sizeof(voice)};
}

Result<Voice> Open(const std::string& sealed, const std::string& secret) {
  const auto text = access::Unseal(sealed, secret);
  Voice voice{};
  if (!text || text->size() != sizeof(voice)) {
    return Fail(ErrorCode::kCorrupt, "a voiceprint cannot be opened with its key",
                "tell the recording's speakers apart again");
  }
  std::memcpy(voice.data(), text->data(), sizeof(voice));
  return voice;
}

Status DeleteAll(access::Tx& tx, const Rows& voiceprints) {
  for (const Row& row : voiceprints) {
    NRL_CHECK(DeleteVoiceprint(tx, VoiceprintId::FromTrusted(row.Text(0))));
  }
  return {};
}

}  // namespace

Result<VoiceprintId> InsertVoiceprint(access::Tx& tx, const NewVoiceprint& wanted,
                                      Environment environment) {
  std::array<uint8_t, kSecretBytes> random{};
  environment.random.Fill(random);
  const std::string secret = ToHex(random);
  const VoiceprintId id = VoiceprintId::New(environment);
  std::optional<std::string> person;
  if (wanted.person) person = wanted.person->str();
  std::optional<int64_t> start_ms;
  std::optional<int64_t> end_ms;
  if (wanted.clip) {
    start_ms = wanted.clip->start_ms;
    end_ms = wanted.clip->end_ms;
  }
  NRL_CHECK(tx.Execute(kInsert, id, tx.tenant(), wanted.speaker, person, start_ms, end_ms,
                       wanted.model.model, wanted.model.model_hash,
                       access::Seal(TextOf(wanted.voice), secret, environment.random),
                       wanted.speech_ms, environment.clock.Now()));
  NRL_CHECK(tx.Execute(kInsertKey, id, tx.tenant(), secret));
  return id;
}

Result<std::optional<NewVoiceprint>> VoiceOfSpeaker(access::Tx& tx, const SpeakerId& speaker) {
  NRL_TRY(const Rows rows, tx.Query(kOfSpeaker, tx.tenant(), speaker));
  if (rows.empty()) return std::nullopt;
  const Row& row = rows[0];
  NewVoiceprint found{.speaker = speaker,
                      .person = {},
                      .clip = {},
                      .model = {row.Text(0), row.Text(1)},
                      .speech_ms = row.Int(2)};
  NRL_TRY(found.voice, Open(row.Text(3), row.Text(4)));
  return found;
}

Result<std::vector<KnownVoice>> KnownVoices(access::Tx& tx, const std::string& model_hash) {
  NRL_TRY(const Rows rows, tx.Query(kKnown, tx.tenant(), model_hash, kVoicesMax));
  std::vector<KnownVoice> known;
  known.reserve(rows.size());
  for (const Row& row : rows) {
    // One that cannot be opened is nobody's voice; it must not keep all recordings from being told
    // apart.
    const auto voice = Open(row.Text(3), row.Text(4));
    if (!voice) continue;
    KnownVoice one{.person = {},
                   .speaker = SpeakerId::FromTrusted(row.Text(0)),
                   .video = VideoId::FromTrusted(row.Text(5)),
                   .enrolled = row.Int(6) != 0,
                   .model_hash = model_hash,
                   .speech_ms = row.Int(2),
                   .voice = *voice};
    if (const auto person = row.MaybeText(1)) one.person = PersonId::FromTrusted(*person);
    known.push_back(std::move(one));
  }
  return known;
}

Result<bool> DeleteVoiceprint(access::Tx& tx, const VoiceprintId& voiceprint) {
  NRL_CHECK(tx.Execute(kDeleteKey, tx.tenant(), voiceprint));
  NRL_TRY(const int64_t deleted, tx.Execute(kDelete, tx.tenant(), voiceprint));
  return deleted > 0;
}

Status DeleteSupersededVoices(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kSuperseded, tx.tenant(), video));
  return DeleteAll(tx, rows);
}

Status DeleteVoicesOfVideo(access::Tx& tx, const VideoId& video) {
  NRL_TRY(const Rows rows, tx.Query(kOfVideo, tx.tenant(), video));
  return DeleteAll(tx, rows);
}

}  // namespace narralytica::speakers
