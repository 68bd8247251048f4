// SPDX-License-Identifier: Apache-2.0
// The plan as JSON: what is frozen in the state, printed by `plan -o`, hashed and executed again
// after a restart. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::plan {

Json to_json(const Plan& plan);
/// Checked: a wrong type, an unknown action or a hash that does not fit is an error.
Result<Plan> from_json(std::string_view text, std::string_view where);
/// SHA-256 (hex) of the canonical JSON without the hash itself.
std::string hash_of(const Plan& plan);

Json to_json(const DnsEdit& edit);
Result<DnsEdit> edit_from_json(const Json& json, std::string_view where);
Json to_json(const ZoneRRset& set);
Result<ZoneRRset> rrset_from_json(const Json& json, std::string_view where);
Json to_json(const ZoneSnapshot& snapshot);
Result<ZoneSnapshot> snapshot_from_json(std::string_view text, std::string_view where);

}  // namespace mxferry::plan
