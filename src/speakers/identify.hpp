// Who the speakers of a new diarization are: what people said of the one before is carried over,
// voices are kept sealed, and the rest is matched. One call in the transaction that stores the
// diarization.
#pragma once

#include <set>
#include <vector>

#include "speakers/identity_edit.hpp"
#include "speakers/speaker_store.hpp"

namespace narralytica::speakers {

struct IdentifyRequest {
  VideoId video;
  DiarizationId diarization;  // stored already
  VoiceModelName model;
  std::vector<VoiceToMatch> voices;
};

// A speaker whom a person named keeps the name when one of the new speakers has at least half of
// their time; so do rejections, and voices that were erased stay without a voiceprint. What
// matching found is matched anew, unless the person has no other voice. Each finding is an event.
Status IdentifySpeakers(access::Tx& tx, const IdentifyRequest& request, Environment environment,
                        const IdentityRules& rules);

struct RescoreRequest {
  std::set<PersonId> left;    // by somebody's voices
  std::set<SpeakerId> moved;  // are left alone
  bool keep_scores = false;   // of those who stay
};

// Those who were matched to people whom voices have left are scored against what remains; who is no
// longer near enough is matched again.
Status RescoreMatches(IdentityEdit& edit, const RescoreRequest& request,
                      const IdentityRules& rules);

}  // namespace narralytica::speakers
