// SPDX-License-Identifier: Apache-2.0
#include "dns/change_dangers.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "dns/change_set.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::dns {
namespace {

const ZoneRRset& named_by(const ZoneChange& change) {
  return change.after ? *change.after : *change.before;
}

// Signatures and denials stand beside an alias (RFC 4034 §3, §4).
bool may_stand_beside_alias(const std::string& type) {
  return type == "CNAME" || type == "RRSIG" || type == "NSEC";
}

std::set<std::string> types_at(const std::string& name, const ZoneSnapshot& now,
                               const std::vector<ZoneChange>& changes) {
  std::set<std::string> types;
  for (const auto& set : now.rrsets)
    if (set.name == name) types.insert(set.type);
  for (const auto& change : changes) {
    if (named_by(change).name != name) continue;
    if (change.after)
      types.insert(change.after->type);
    else
      types.erase(change.before->type);
  }
  return types;
}

}  // namespace

bool is_servers_own(const std::string& zone, const ZoneRRset& set) {
  constexpr std::array<std::string_view, 8> kServersOwn = {
      "SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY"};
  return std::find(kServersOwn.begin(), kServersOwn.end(), set.type) != kServersOwn.end() ||
         (set.type == "NS" && set.name == zone);
}

bool takes_back(const ZoneChange& change, std::span<const ZoneChange> undone) {
  if (!change.before) return false;
  const auto& gone = *change.before;
  // A part of it, too: an API that works record by record may have been cut off.
  const auto holds = [&](const ZoneRRset& made, const ZoneRecord& record) {
    return std::any_of(made.records.begin(), made.records.end(), [&](const ZoneRecord& one) {
      return same_set(made.type, {one.rdata}, {record.rdata});
    });
  };
  return std::any_of(undone.begin(), undone.end(), [&](const ZoneChange& made) {
    return !made.before && made.after->name == gone.name && made.after->type == gone.type &&
           std::all_of(gone.records.begin(), gone.records.end(),
                       [&](const ZoneRecord& record) { return holds(*made.after, record); });
  });
}

Result<void> check_dangers(const ZoneSnapshot& now, const std::vector<ZoneChange>& changes,
                           std::span<const ZoneChange> undone) {
  for (const auto& change : changes) {
    const auto& any = named_by(change);
    if (any.type == "NS" && !change.after && !takes_back(change, undone))
      return fail(ErrorCode::gate, "change " + any.name + " NS",
                  "DC-01: the delegation would lose all of its name servers");
    const auto types = types_at(any.name, now, changes);
    if (!change.after || !types.contains("CNAME")) continue;
    for (const auto& type : types) {
      if (may_stand_beside_alias(type)) continue;
      auto error = fail(ErrorCode::gate, "change " + any.name + " " + any.type,
                        "DC-06: a CNAME would stand beside " + type)
                       .error();
      return fail(std::move(
          error.with_remedy("delete the one in the same change, or choose another name")));
    }
  }
  return {};
}

std::vector<ZoneRRset> changed_besides(const ZoneSnapshot& before, const ZoneSnapshot& after,
                                       std::span<const ZoneChange> changes) {
  const auto counts = [&](const ZoneRRset& set) {
    return !is_servers_own(after.zone, set) &&
           std::none_of(changes.begin(), changes.end(), [&](const ZoneChange& change) {
             return named_by(change).name == set.name && named_by(change).type == set.type;
           });
  };
  std::vector<ZoneRRset> out;
  for (const auto& set : before.rrsets) {
    const auto* there = after.find(set.name, set.type);
    if (counts(set) && (there == nullptr || !same_rrset(*there, set))) out.push_back(set);
  }
  for (const auto& set : after.rrsets)
    if (counts(set) && before.find(set.name, set.type) == nullptr) out.push_back(set);
  return out;
}

}  // namespace mxferry::dns
