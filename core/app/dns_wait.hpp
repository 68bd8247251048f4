// SPDX-License-Identifier: Apache-2.0
// `mxferry dns wait`: until the world sees what a file says must stand. Asks name servers alone, no
// DNS API. Main thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "dns/authoritative.hpp"

namespace mxferry::app {

/// `args` behind the subcommand. Returns the exit code.
int dns_wait(std::span<const std::string> args);

/// What must be seen once what `text` says stands: a file of what is desired or wanted, a snapshot
/// of a zone, or the snapshot of an apply; with `restored`, once that apply has been taken back.
/// Records that the DNS API keeps without serving them are left out. ErrorCode::config where the
/// file does not say how a set must be. Pure.
Result<std::vector<dns::Expected>> expected_of(std::string_view text, const std::string& zone,
                                               bool restored, const std::string& file);

}  // namespace mxferry::app
