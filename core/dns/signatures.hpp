// SPDX-License-Identifier: Apache-2.0
// Is what a signed zone's servers serve signed well enough that validators take it (RFC 4035
// §5.3.1, §5.4)? Proved here, at every server: each set carries an RRSIG that covers it, signed by
// the zone, valid from now until older answers have run out of caches, by a key whose tag stands in
// the DNSKEY set; a set that is absent is denied by NSEC or NSEC3 records that are signed just so;
// and what such records say of a name lists the sets that it has. Not proved here: the signature's
// arithmetic; that a validating resolver still answers with AD says so. Blocking; any thread.
#pragma once

#include <stop_token>
#include <vector>

#include "base/clock.hpp"
#include "dns/authoritative.hpp"
#include "dns/delegation.hpp"

namespace mxferry::dns {

/// How long signatures must hold: from `now` for as long as caches may hold an older answer, and
/// for the TTL of the set itself.
struct Validity {
  Instant now{};
  Millis overlap{0};
};

/// pass, fail (DN-01: a set without a usable RRSIG, an absence without its proof, a proof that
/// denies what is there), unknown (a server did not answer).
Assertion check_signatures(const Delegation& delegation, const std::vector<Question>& questions,
                           const Validity& validity, std::stop_token stop);

/// The judgement of one server's answer, alone: of the set, or of the proof of its absence. Pure.
Assertion judge_signatures(const Message& answer, const Message& keys, const Question& question,
                           const std::string& zone, const Validity& validity);

/// A type that nobody has (RFC 6895 §3.1): its denial at a name lists what the name has.
inline constexpr const char* kUnusedType = "TYPE65534";

/// The judgement of the answer to kUnusedType at the name of `question`, which exists: pass where
/// its proof does not deny `question` as well. A stale link of the chain would let validators that
/// reason from NSEC deny a created set (RFC 8198). Pure.
Assertion judge_listed(const Message& answer, const Message& keys, const Question& question,
                       const std::string& zone, const Validity& validity);

}  // namespace mxferry::dns
