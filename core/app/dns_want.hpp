// SPDX-License-Identifier: Apache-2.0
// What a zone should look like, read from a file (docs/operate/dns.md), and the changes that bring
// a zone there. Three formats, told apart by "format":
//   mxferry-want/1   {"zone"?, "rrsets": [{"name", "type", "ttl"?, "data": ["…", …]}]}
//                    each set is made exactly so; "data": [] deletes it; every other set stays.
//                    Names are as in a zone file: "@", relative to the zone, or with a final dot
//   mxferry-zone/1   a snapshot: as above, with each set of the snapshot (others stay)
//   mxferry-edits/1  {"edits": [{"kind", "name", "type", "before", "after", "ttl"?}]}: the edits of
//   a
//                    plan, which refuse a zone where "before" does not hold
//   without "format" {"rrsets": [{"name", "type", "ttl"?, "records": ["…", …]}], "delete"?: ["…"]}
//                    as mxferry-want/1, but a TXT record is one plain string of any length, and no
//                    TXT string is dropped that is neither SPF nor named in "delete"
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::app {

struct Want {
  std::vector<DnsEdit> edits;
  bool exact = false;        // the file says what must stand, whatever stands now: `before` is open
  bool keeps_texts = false;  // no TXT string is dropped that is neither SPF nor here:
  std::vector<std::string> may_drop{};  // plain strings
};

/// ErrorCode::config with what was expected; a name outside `zone` (canonical) is refused.
Result<Want> parse_want(std::string_view text, const std::string& zone, const std::string& file);

/// The changes that bring `now` to what is wanted; none: it stands already. ErrorCode::gate for a
/// TTL below `floor`, which the API does not take (DC-07), and for a text that nobody named
/// (DC-04); ErrorCode::conflict and ErrorCode::gate as dns::resolve_edits, with its `begun`.
Result<std::vector<ZoneChange>> changes_for(const Want& want, const ZoneSnapshot& now,
                                            std::uint32_t floor,
                                            std::span<const ZoneChange> begun = {});

}  // namespace mxferry::app
