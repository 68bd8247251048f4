// SPDX-License-Identifier: Apache-2.0
// DMARC: what becomes of a message whose SPF and DKIM results are known, by RFC 9989 (organisations
// found by walking up the tree, §4.10) and by RFC 7489 (by the public suffix list, §3.2, §6.6.3).
// Both are in use; where they differ, receivers do. The answers of DNS come through Lookups: pure
// but for what they do. A failed lookup is temperror, never "no policy".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/dns/dmarc_record.hpp"
#include "protocol/dns/lookup.hpp"
#include "protocol/dns/public_suffix.hpp"

namespace mxferry::dns {

/// RFC 9989 §4.10: a name of more labels is cut to seven after the first question, so that there
/// are at most eight.
inline constexpr std::size_t kDmarcLabels = 7;

/// One authenticated identifier: the domain of MAIL FROM, or d= of a signature.
struct DmarcIdentity {
  std::string domain;  // canonical; empty: there is none
  std::string result;  // as in Authentication-Results (RFC 8601 §2.7): pass, fail, temperror, …
};

struct DmarcRequest {
  std::string author;  // domain of the From header field, canonical
  DmarcIdentity spf;
  std::vector<DmarcIdentity> dkim;
};

enum class DmarcResult { none, pass, fail, temperror };
std::string_view to_string(DmarcResult result);

struct DmarcVerdict {
  DmarcResult result = DmarcResult::none;
  DmarcPolicy policy = DmarcPolicy::none;       // that applies to the author's domain
  DmarcPolicy disposition = DmarcPolicy::none;  // what it asks for this message
  std::string policy_tag{};                     // p, sp or np; empty: no record applies
  std::string record_domain{};                  // below whose _dmarc the record stands
  std::string record{};                         // as it is
  std::string organization{};                   // the author's organisational domain
  bool spf_aligned = false;                     // whatever its result
  std::vector<bool> dkim_aligned{};             // one for each signature
  bool testing = false;                         // t=y
  std::optional<int> pct{};                     // RFC 7489
  bool lookup_failed = false;                   // the reason for a temperror
  int questions = 0;
  std::vector<std::string> problems{};  // of records and lookups; sentences for people
};

DmarcVerdict check_dmarc(const DmarcRequest& request, Lookups& lookups);
DmarcVerdict check_dmarc_7489(const DmarcRequest& request, const PublicSuffixes& suffixes,
                              Lookups& lookups);

/// In what the verdicts differ, as sentences; empty: receivers agree.
std::vector<std::string> dmarc_differences(const DmarcVerdict& now, const DmarcVerdict& before);

}  // namespace mxferry::dns
