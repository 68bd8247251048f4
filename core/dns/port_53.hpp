// SPDX-License-Identifier: Apache-2.0
// Can name servers be asked directly from here, and is what they say what the world hears? A
// firewall drops port 53, or TCP on it; a box on the way answers in everybody's place; an inner
// view of the zone answers something else than the outer one. Blocking; one thread, which asks on
// several.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "dns/doh_asker.hpp"
#include "model/finding.hpp"

namespace mxferry::dns {

/// pass: a root server answers over UDP, and one over TCP; fail: what does not come through.
/// `roots` empty: the public ones, which must answer for themselves (AA).
Assertion port_53_is_open(const std::vector<DnsServer>& roots, std::stop_token stop);

/// pass: the name servers of `zone` that a walk finds are those that the resolvers give; fail: no
/// server is common to both (split horizon); unknown: the resolvers gave none.
Assertion zone_is_the_worlds(const std::string& zone, const std::vector<DnsServer>& roots,
                             const std::vector<net::DohServer>& resolvers, std::stop_token stop);

/// The judgement alone. Pure.
Assertion compare_name_servers(const std::string& zone, const std::vector<std::string>& walked,
                               const std::vector<Seen>& resolved);

}  // namespace mxferry::dns
