// SPDX-License-Identifier: Apache-2.0
// The SPF record for the time in which two providers send: every address that passes by the old or
// by the new record passes, and no other does, proven by sets of addresses; with the fewest lookups
// that this needs (cutover: SPF-06 to SPF-09). The answers of DNS come through Lookups: pure but
// for what they do.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "protocol/dns/ip_set.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::dns {

struct SpfMergeRequest {
  std::string domain;  // canonical
  std::string old_record, new_record;
  std::vector<std::string> new_hosts{};  // the new MX, canonical: what `mx` of the new record means
};

/// A term of the old record that stands as the networks that it means today.
struct SpfFlattening {
  std::string term;
  std::vector<std::string> networks;  // "ip4:192.0.2.0/24"
};

struct SpfMerge {
  std::string record;
  bool proven = false;  // passes(record) = passes(old) | passes(new), of the terms in the proof
  int lookups = 0;      // if every term is reached
  int voids = 0;
  IpSet missing{};  // not proven: pass by old or new, and would not by the record
  IpSet surplus{};  // not proven: would pass by the record alone
  std::vector<std::string> outside{};  // exists, ptr and macros: kept as they are, not in the proof
  std::vector<SpfFlattening> fixed{};  // `a` and `mx` that would change their meaning at the flip
  std::vector<SpfFlattening> flattened{};  // for want of lookups, until the old side is gone
  std::vector<std::string> notes{};        // sentences for people: what was done, and what to undo
};

/// ErrorCode::config where a record is malformed or receivers could not evaluate it, or the new one
/// holds `mx` and new_hosts is empty; network where a lookup failed: nothing is merged by guess.
Result<SpfMerge> merge_spf(const SpfMergeRequest& request, Lookups& lookups);

}  // namespace mxferry::dns
