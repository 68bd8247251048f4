// SPDX-License-Identifier: Apache-2.0
// Which addresses belong to this machine or its net (RFC 6890), so that a name that others control
// cannot lead us there. Pure, any thread.
#pragma once

#include <string>

namespace mxferry::net {

/// True for an address that is reached over the public net; false for loopback, private,
/// link-local, shared (RFC 6598), multicast, unspecified and reserved ones, IPv4 ones inside IPv6,
/// and for what is no address.
bool is_public_address(const std::string& address);

}  // namespace mxferry::net
