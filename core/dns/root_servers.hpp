// SPDX-License-Identifier: Apache-2.0
// Where a walk begins if nobody says otherwise. Any thread.
#pragma once

#include <vector>

#include "dns/asker.hpp"

namespace mxferry::dns {

/// One address of each operator of the public root.
const std::vector<DnsServer>& public_roots();

}  // namespace mxferry::dns
