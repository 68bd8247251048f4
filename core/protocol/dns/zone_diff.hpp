// SPDX-License-Identifier: Apache-2.0
// Comparing RRsets and zones: what a change has to touch, and whether two sets say the same. Order
// and case never count, TTLs do where asked. core/model/zone.hpp stands above this floor, so the
// sets here are plain rdata. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace mxferry::dns {

/// Canonical rdata, sorted, without doubles. A malformed rdata is an error that names it.
Result<std::vector<std::string>> canonical_set(const std::string& type,
                                               const std::vector<std::string>& rdata);

/// True if both are the same set; malformed data makes it false.
bool same_set(const std::string& type, const std::vector<std::string>& a,
              const std::vector<std::string>& b);

/// `set` with the strings of `remove` taken out and those of `add` put in (TXT: compared by their
/// joined text; others by canonical rdata). A string of `remove` that is not there is an error
/// (ErrorCode::conflict): somebody changed it.
Result<std::vector<std::string>> edit_set(const std::string& type,
                                          const std::vector<std::string>& set,
                                          const std::vector<std::string>& remove,
                                          const std::vector<std::string>& add);

}  // namespace mxferry::dns
