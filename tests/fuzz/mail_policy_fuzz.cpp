// SPDX-License-Identifier: Apache-2.0
// libFuzzer: no text crashes the readers of DMARC records, DKIM keys and the public suffix list;
// what they make of it keeps to its own rules.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "protocol/dns/dkim_key.hpp"
#include "protocol/dns/dmarc_record.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/public_suffix.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mxferry::dns;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto record = parse_dmarc(text);
  if (record.has_value() != is_dmarc(text)) std::abort();
  if (record && !record->p && !record->policy_broken) std::abort();
  if (record && record->pct && (*record->pct < 0 || *record->pct > 100)) std::abort();
  const auto key = parse_dkim_key(text);
  if (key.revoked && key.bits != 0) std::abort();
  // The first line as a name, the rest as a list.
  const auto line = text.substr(0, text.find('\n'));
  const PublicSuffixes suffixes(text.substr(line.size()));
  const auto name = canonical_name(line);
  if (!name) return 0;
  const auto organization = suffixes.organizational_domain(*name);
  if (!is_within(*name, organization)) std::abort();
  return 0;
}
