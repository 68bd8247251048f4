// SPDX-License-Identifier: Apache-2.0
// What every DNS plugin asks of a change before it writes: nobody else has changed the set, it is
// not the API's own, it does not lie below a zone cut, and no CNAME ends up beside other data.
// Needs nlohmann/json. Pure, header only, any thread.
#pragma once

#include <mxferry/dns_records.hpp>
#include <mxferry/json_answer.hpp>

namespace mxferry::sdk {

inline const RRset* find_set(const std::vector<RRset>& sets, const std::string& name,
                             const std::string& type) {
  for (const auto& set : sets)
    if (set.name == name && set.type == type) return &set;
  return nullptr;
}

struct ChangeRules {
  bool swaps_atomically = false;  // a CNAME and other data of one name change places in one step
  std::function<bool(const RRset&, const RRset&)> same = same_rrset;
};

/// RFC 1034 §3.6.2: a CNAME stands alone, also among what the changes write together.
inline Result<void> stands_alone(const RRset& wanted, const std::vector<Change>& all,
                                 const std::vector<RRset>& current, const ChangeRules& rules) {
  const std::string what = wanted.name + " " + wanted.type;
  const auto clash = [&](const RRset& set) {
    return set.name == wanted.name && set.type != wanted.type &&
           (set.type == "CNAME" || wanted.type == "CNAME");
  };
  const auto beside = [&](const RRset& set) {
    return fail(MXF_INVALID, what + " cannot stand beside the " + set.type + " of that name");
  };
  for (const auto& other : all)
    if (other.after && clash(*other.after)) return beside(*other.after);
  for (const auto& set : current) {
    if (!clash(set)) continue;
    const bool goes = std::any_of(all.begin(), all.end(), [&](const Change& other) {
      return !other.after && other.before->name == set.name && other.before->type == set.type;
    });
    if (!goes) return beside(set);
    if (!rules.swaps_atomically)
      return fail(MXF_UNSUPPORTED, "this API cannot replace " + set.type + " by " + wanted.type +
                                       " at " + set.name +
                                       " in one step: make this change by hand, then run again");
  }
  return {};
}

/// Failures: conflict (somebody else changed it), denied (the API's own), invalid (it would not be
/// served, or stand beside a CNAME), unsupported (not in one step). `current`: the whole zone.
inline Result<void> may_change(const std::string& zone, const Change& change,
                               const std::vector<Change>& all, const std::vector<RRset>& current,
                               const ChangeRules& rules) {
  const auto& wanted = change.any();
  const std::string what = wanted.name + " " + wanted.type;
  const auto* found = find_set(current, wanted.name, wanted.type);
  if (found != nullptr)
    for (const auto& record : found->records)
      if (const auto extra = extra_of(record.extra); member(extra, "locked") != nullptr)
        return fail(MXF_DENIED, what + " is left alone: " + extra["locked"].get<std::string>());
  if (!change.before && found != nullptr) return fail(MXF_CONFLICT, what + " exists already");
  if (change.before && found == nullptr) return fail(MXF_CONFLICT, what + " is gone");
  if (change.before && !rules.same(*found, *change.before))
    return fail(MXF_CONFLICT, what + " was changed by someone else since it was read");
  if (!change.after) return {};
  // RFC 1034 §4.2.1: what lies below a delegation is served by others.
  for (const auto& set : current)
    if (set.type == "NS" && set.name != zone && lies_in(wanted.name, set.name) &&
        !(wanted.name == set.name && (wanted.type == "DS" || wanted.type == "NS")))
      return fail(MXF_INVALID, what + " lies in " + set.name +
                                   ", which is delegated to other name servers: it would not be "
                                   "served from here");
  return stands_alone(wanted, all, current, rules);
}

}  // namespace mxferry::sdk
