// SPDX-License-Identifier: Apache-2.0
#include "plan/zone_lookups.hpp"

#include "plan/edits.hpp"

namespace mxferry::plan {

dns::Answer ZoneLookups::ask(const dns::Question& question) {
  dns::Answer out;
  const auto held = held_.find({question.name, question.type});
  if (held != held_.end()) {
    out.kind = held->second.empty() ? dns::Answer::Kind::nothing : dns::Answer::Kind::found;
    out.rdata = held->second;
    return out;
  }
  // What is not in the zone may stand below a cut, be made by a wildcard or by the API itself: the
  // servers know.
  const auto* set = zone_.find(question.name, question.type);
  if (set == nullptr) return behind_.ask(question);
  out.kind = dns::Answer::Kind::found;
  out.rdata = rdata_of(set);
  return out;
}

}  // namespace mxferry::plan
