// SPDX-License-Identifier: Apache-2.0
// `mxferry dmarc check`: what DMARC makes of a message whose SPF and DKIM results are known.
// Main thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "protocol/dns/public_suffix.hpp"

namespace mxferry::app {

/// Where the package publicsuffix puts the list.
inline constexpr const char* kSuffixFile = "/usr/share/publicsuffix/public_suffix_list.dat";
/// The list in a file; empty where there is none, which stderr is told: RFC 7489 is then not
/// judged.
dns::PublicSuffixes read_suffixes(const std::string& file);

/// `args` behind "dmarc". Returns the exit code.
int dmarc_command(std::span<const std::string> args);
std::vector<std::string> dmarc_subcommands();

}  // namespace mxferry::app
