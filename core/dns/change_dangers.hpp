// SPDX-License-Identifier: Apache-2.0
// What is dangerous about a change of a zone beyond the one RRset that it names. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/zone.hpp"

namespace mxferry::dns {

/// SOA, the zone's own NS, and what DNSSEC makes: the name servers' business.
bool is_servers_own(const std::string& zone, const ZoneRRset& set);

/// Does the change take away nothing but what one of `undone` created, where no set of that name
/// and type had been? What somebody else put there since is not theirs to take.
bool takes_back(const ZoneChange& change, std::span<const ZoneChange> undone);

/// ErrorCode::gate where a delegation would lose its name servers (DC-01), or an alias would stand
/// beside other data (DC-06; RFC 1034 §3.6.2, RFC 2181 §10.1). `undone`: earlier changes that are
/// being taken back; a delegation that they created may go.
Result<void> check_dangers(const ZoneSnapshot& now, const std::vector<ZoneChange>& changes,
                           std::span<const ZoneChange> undone = {});

/// The sets that differ between two readings although none of `changes` names them, as they were,
/// or as they are where they are new. The name servers' own are left out.
std::vector<ZoneRRset> changed_besides(const ZoneSnapshot& before, const ZoneSnapshot& after,
                                       std::span<const ZoneChange> changes);

}  // namespace mxferry::dns
