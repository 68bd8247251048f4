// SPDX-License-Identifier: Apache-2.0
// DN-01: what is written into a signed zone must be signed at every server before anything builds
// upon it, or validating resolvers answer nothing at all. On the run's thread.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// Where the parent has a DS set for `zone`: looks until every authoritative server serves each of
/// `questions` with an RRSIG that is valid now by a key of its DNSKEY set (dns/signatures.hpp), and
/// then until every resolver of the plan answers for those that exist; how many of them validated
/// (AD) is journalled. Nothing: go on. Held with DN-01 after five minutes (wall time).
Task<std::optional<StepEnd>> hold_until_signed(Env& env, const Step& step, std::string zone,
                                               std::vector<dns::Question> questions);

/// The sets that these edits touch.
std::vector<dns::Question> questions_of(const std::vector<DnsEdit>& edits);

/// `end`, and where it is `done` only once what `steps` wrote is signed: a secondary gets the new
/// signatures with the new data, after the write itself was looked at.
Task<StepEnd> end_signed(Env& env, const Step& step, StepEnd end, std::string zone,
                         std::vector<std::string> steps);

}  // namespace mxferry::pipeline
