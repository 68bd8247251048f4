// SPDX-License-Identifier: Apache-2.0
// Audit: what stands in DNS for a domain's mail, held against the RFCs: MX, SPF, DKIM, DMARC,
// MTA-STS, TLS-RPT, DANE, DNSSEC, client records, CAA, and whether its name servers agree. Findings
// carry the ids of docs/operate/findings.md. Guessed names are asked of the domain's own servers
// only, so that no resolver keeps a negative answer that we planted. Blocking; one thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "dns/asker.hpp"
#include "model/finding.hpp"
#include "protocol/dns/dmarc_check.hpp"
#include "protocol/dns/lookup.hpp"
#include "protocol/dns/spf_tree.hpp"

namespace mxferry::dns {

struct AuditRequest {
  std::string domain;                    // canonical
  std::vector<std::string> selectors{};  // DKIM selectors that are known to be in use
  bool allow_loopback = false;           // labs: hosts with addresses that are not public
  std::uint16_t authority_port = 53;
  const PublicSuffixes* suffixes = nullptr;  // for RFC 7489; null: not judged by it
  /// The MTA-STS policy file at these addresses of its host (RFC 8461 §3.3).
  std::function<Result<std::string>(const std::vector<std::string>& addresses)> fetch_policy;
};

struct Audit {
  std::vector<Finding> findings{};
  std::vector<std::string> mx{};  // as they are, by preference
  std::optional<SpfTree> spf{};
  std::map<std::string, std::string> dkim{};  // selector -> what its key is: "rsa 2048"
  std::optional<DmarcVerdict> dmarc{};        // of a message without any pass
  std::string sts_policy{};                   // as it is served
  std::string zone{};                         // that holds the domain
  bool readable = true;                       // false: the domain itself could not be looked up
  int questions = 0;
};

Audit audit_domain(const AuditRequest& request, Lookups& resolver, std::stop_token stop);

}  // namespace mxferry::dns
