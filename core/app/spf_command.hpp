// SPDX-License-Identifier: Apache-2.0
// `mxferry spf check`: what a receiver would find for one address and one sender (RFC 7208);
// `mxferry spf merge`: one record for two providers. Main thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "net/dns_exchange.hpp"

namespace mxferry::app {

/// `args` behind "spf". Returns the exit code.
int spf_command(std::span<const std::string> args);
std::vector<std::string> spf_subcommands();

/// The resolvers that --resolver names; where it is not given, this machine's.
Result<std::vector<net::DnsServer>> chosen_resolvers(const std::vector<std::string>& given);

}  // namespace mxferry::app
