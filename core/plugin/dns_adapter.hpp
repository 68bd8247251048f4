// SPDX-License-Identifier: Apache-2.0
// The port DnsApi over a DNS plugin's C table. What the plugin sends is checked here, once for all
// plugins: complete, in the zone, each RRset once. One operation at a time.
#pragma once

#include <mxferry/abi.h>

#include <memory>

#include "plugin/host.hpp"
#include "ports/dns_api.hpp"

namespace mxferry::plugin {

/// Opens a session; `table` belongs to a library that is never unloaded.
Result<std::unique_ptr<DnsApi>> make_dns_adapter(const mxf_dns* table,
                                                 std::unique_ptr<HostSession> host);

}  // namespace mxferry::plugin
