// SPDX-License-Identifier: Apache-2.0
#include "plan/edits.hpp"

#include <utility>

#include "protocol/dns/zone_diff.hpp"

namespace mxferry::plan {

std::vector<std::string> rdata_of(const ZoneRRset* set) {
  std::vector<std::string> out;
  if (set != nullptr)
    for (const auto& record : set->records) out.push_back(record.rdata);
  return out;
}

std::string set_key(const std::string& name, const std::string& type) { return name + "/" + type; }

std::optional<DnsEdit> set_edit(const ZoneSnapshot& zone, std::uint32_t new_ttl,
                                const std::string& name, const std::string& type,
                                const std::vector<std::string>& after) {
  const auto* have = zone.find(name, type);
  const auto before = rdata_of(have);
  if (dns::same_set(type, before, after) && have != nullptr) return std::nullopt;
  DnsEdit edit;
  edit.kind = DnsEdit::Kind::set;
  edit.name = name;
  edit.type = type;
  edit.before = before;
  edit.after = after;
  if (have == nullptr) edit.ttl = new_ttl;
  return edit;
}

DnsEdit string_edit(const std::string& name, std::vector<std::string> before,
                    std::vector<std::string> after, std::optional<std::uint32_t> new_ttl) {
  DnsEdit edit;
  edit.kind = DnsEdit::Kind::string;
  edit.name = name;
  edit.type = "TXT";
  edit.before = std::move(before);
  edit.after = std::move(after);
  edit.ttl = new_ttl;
  return edit;
}

}  // namespace mxferry::plan
