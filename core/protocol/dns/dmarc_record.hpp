// SPDX-License-Identifier: Apache-2.0
// DMARC records (RFC 9989 §4.7, §4.8; RFC 7489 §6.3 for the tags that only it knows) as values.
// Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mxferry::dns {

enum class DmarcPolicy { none, quarantine, reject };
std::string_view to_string(DmarcPolicy policy);

struct DmarcRecord {
  std::optional<DmarcPolicy> p{}, sp{}, np{};
  bool policy_broken = false;  // p, sp or np holds what is no policy, or p is missing
  bool strict_dkim = false;    // adkim=s
  bool strict_spf = false;     // aspf=s
  char psd = 'u';              // y, n or u
  bool testing = false;        // t=y: the policy one level weaker
  std::optional<int> pct{};    // RFC 7489 only
  std::vector<std::string> rua{}, ruf{};
  /// What a receiver passes over: malformed tags, values out of range, tags of RFC 7489 that RFC
  /// 9989 removed. Sentences for people.
  std::vector<std::string> problems{};
};

/// Does the text of a TXT record begin as one: "v=DMARC1", the value in this case, and then ";" or
/// the end?
bool is_dmarc(std::string_view text);
/// Nothing where is_dmarc() is false; any other error costs the tag, not the record.
std::optional<DmarcRecord> parse_dmarc(std::string_view text);

}  // namespace mxferry::dns
