// SPDX-License-Identifier: Apache-2.0
// check_host() of RFC 7208 §4: may this address send mail in the name of this domain? The answers
// of DNS come through Lookups, the time through the request: pure but for what Lookups does.
//
// What ends it: 10 terms that need a lookup (§4.6.4, with redirect, and %{p} where it asks), 2
// terms with a void lookup, 10 hosts of an mx, 10 names of an address, and a chain of records that
// is never deeper than the first of these. A failed lookup is temperror, never "no".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/dns/ip_address.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::dns {

inline constexpr int kSpfLookups = 10;
inline constexpr int kSpfVoids = 2;
inline constexpr std::size_t kSpfHosts = 10;  // of one mx term; names of one client address

enum class SpfResult { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_string(SpfResult result);

struct SpfRequest {
  IpAddress client;
  std::string helo;
  std::string sender;  // of MAIL FROM, with or without <>; empty: postmaster@HELO (§2.4)
  std::string receiver = "unknown";  // %{r}
  std::int64_t now = 0;              // %{t}: seconds since 1970
};

struct SpfVerdict {
  SpfResult result = SpfResult::none;
  std::string domain{};       // whose record was asked for
  std::string explanation{};  // of a fail: what exp= leads to (§6.2); empty: none. Others' words
  std::string matched{};      // the term of the record that decided; empty: none did
  std::string problem{};      // of temperror, permerror and none: why
  int lookups = 0;            // terms that needed one, with the one that was too many
  int voids = 0;              // terms of which a lookup found nothing
};

SpfVerdict check_spf(const SpfRequest& request, Lookups& lookups);

/// The SPF records among TXT data (§3.3, §4.5), as text.
std::vector<std::string> spf_records(const std::vector<std::string>& rdata);

}  // namespace mxferry::dns
