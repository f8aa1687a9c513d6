// People and identities as the wire contract shows them.
#pragma once

#include "api/wire.hpp"
#include "speakers/erasure.hpp"
#include "speakers/people.hpp"
#include "speakers/people_lists.hpp"

namespace narralytica::api {

Json PersonJson(const speakers::Person& person);
Json ProfileJson(const speakers::Profile& profile);
Json IdentityEventJson(const speakers::IdentityEvent& event);
// With the person as they are now.
Result<Json> IdentityReplyJson(access::Tx& tx, const speakers::IdentityOutcome& outcome);
Json ErasureProofJson(const speakers::ErasureProof& proof);

}  // namespace narralytica::api
