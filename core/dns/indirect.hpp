// SPDX-License-Identifier: Apache-2.0
// The indirect proof: what resolvers say over HTTPS stands in for what a zone's own servers say,
// where those cannot be asked. A resolver may hold an old answer for its TTL, and asks one server
// of many: so nothing is asked before every secondary must have the zone, and all resolvers must
// agree. Blocking; one thread, which asks on several.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "dns/authoritative.hpp"
#include "dns/doh_asker.hpp"
#include "dns/soa.hpp"

namespace mxferry::dns {

/// As net::kLeastDoh says, three at least.
using DohServers = std::vector<net::DohServer>;

/// The resolvers as the servers of `zone`. ErrorCode::not_found where one says that it has no NS
/// set, ErrorCode::network where one gives no answer.
Result<Delegation> indirect_delegation(const std::string& zone, const DohServers& resolvers,
                                       std::stop_token stop);

/// Every resolver asked every question.
Round indirect_round(const DohServers& resolvers, const std::vector<Question>& questions,
                     std::stop_token stop);

/// The largest times that any resolver gives of the zone's SOA, whose name exists. All must answer.
Result<Soa> indirect_soa(const std::string& zone, const DohServers& resolvers,
                         std::stop_token stop);

/// How long after the API took a change its servers may still serve the old zone: the API's own
/// delay and, of a secondary that missed each NOTIFY, REFRESH and one RETRY (RFC 1035 §3.3.13).
Millis publication_bound(const Soa& soa, Millis publish_delay);

}  // namespace mxferry::dns
