// SPDX-License-Identifier: Apache-2.0
// Edits of a zone, from what stands in it and what is to stand. PURE. Any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::plan {

/// The data of a set; nothing where there is none.
std::vector<std::string> rdata_of(const ZoneRRset* set);

/// "name/type", as plans name a set.
std::string set_key(const std::string& name, const std::string& type);

/// The edit that brings a whole set to `after`, or nothing when it stands so already. `new_ttl` is
/// that of a set which does not exist yet.
std::optional<DnsEdit> set_edit(const ZoneSnapshot& zone, std::uint32_t new_ttl,
                                const std::string& name, const std::string& type,
                                const std::vector<std::string>& after);

/// The edit that takes `before` out of a TXT set and puts `after` in; all other strings stay.
/// `new_ttl`: where the set does not exist yet.
DnsEdit string_edit(const std::string& name, std::vector<std::string> before,
                    std::vector<std::string> after,
                    std::optional<std::uint32_t> new_ttl = std::nullopt);

}  // namespace mxferry::plan
