// SPDX-License-Identifier: Apache-2.0
// Is what a signed zone's servers serve signed well enough that validators take it (RFC 4035
// §5.3.1)? Proved here, at every server: each set carries an RRSIG that covers it, signed by the
// zone, valid now and for a while, by a key whose tag stands in the DNSKEY set. Not proved here:
// the signature's arithmetic; that a validating resolver still answers with AD says so. Blocking;
// any thread.
#pragma once

#include <stop_token>
#include <vector>

#include "base/clock.hpp"
#include "dns/authoritative.hpp"
#include "dns/delegation.hpp"

namespace mxferry::dns {

/// pass, fail (DN-01: a set without a usable RRSIG), unknown (a server did not answer). A set that
/// is absent is proved by its NSEC records, which are not looked at.
Assertion check_signatures(const Delegation& delegation, const std::vector<Question>& questions,
                           Instant now, std::stop_token stop);

/// The judgement of one server's answer, alone. Pure.
Assertion judge_signatures(const Message& answer, const Message& keys, const Question& question,
                           const std::string& zone, Instant now);

}  // namespace mxferry::dns
