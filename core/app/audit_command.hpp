// SPDX-License-Identifier: Apache-2.0
// `mxferry dns audit DOMAIN`: what stands in DNS for a domain's mail, held against the RFCs. Needs
// no plugin. Main thread.
#pragma once

#include <span>
#include <string>

namespace mxferry::app {

/// `args` behind "dns audit". Returns the exit code.
int dns_audit(std::span<const std::string> args);

}  // namespace mxferry::app
