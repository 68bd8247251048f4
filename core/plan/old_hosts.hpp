// SPDX-License-Identifier: Apache-2.0
// Records that would go on naming the old side after the flip: subdomain and wildcard MX, SRV,
// CNAME, addresses of mail. or imap., SPF of other names. Each is planned or accepted by name, or
// somebody's mail still goes to a server that will be switched off. PURE. Any thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/finding.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::plan {

/// What the old side is called and where it is.
struct OldSide {
  /// Host -> its addresses; canonical names. MX hosts and the source's IMAP host.
  std::map<std::string, std::vector<std::string>> hosts{};
  /// Hosts whose addresses could not be read, with the reason: never taken for "has none".
  std::map<std::string, std::string> unknown{};
};

/// OH-01:NAME/TYPE for every RRset at or below the domain whose data names an old host, one of its
/// addresses, or a name of this zone that stands for one, and that no edit of the plan changes;
/// OH-02:HOST where an old host's addresses are not known. `planned` holds "name/type".
std::vector<Finding> find_old_hosts(const ZoneSnapshot& zone, const DomainPlan& domain,
                                    const OldSide& old_side,
                                    const std::vector<std::string>& planned);

}  // namespace mxferry::plan
