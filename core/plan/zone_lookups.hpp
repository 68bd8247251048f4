// SPDX-License-Identifier: Apache-2.0
// DNS as a receiver sees it that holds certain sets of a zone: those, then what stands in the zone,
// and all else by whoever is behind. Pure but for that. One thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "model/zone.hpp"
#include "protocol/dns/lookup.hpp"

namespace mxferry::plan {

class ZoneLookups final : public dns::Lookups {
 public:
  /// `zone` and `behind` must outlive it.
  ZoneLookups(const ZoneSnapshot& zone, dns::Lookups& behind) : zone_(zone), behind_(behind) {}

  /// From now on this is what stands at `name` (canonical); empty: no such set.
  void hold(const std::string& name, const std::string& type, std::vector<std::string> rdata) {
    held_[{name, type}] = std::move(rdata);
  }
  dns::Answer ask(const dns::Question& question) override;

 private:
  const ZoneSnapshot& zone_;
  dns::Lookups& behind_;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> held_;
};

}  // namespace mxferry::plan
