// SPDX-License-Identifier: Apache-2.0
// Forgotten addresses: what mail of the plan's domains arrives at, against what the plan serves
// (AD-01); a catch-all on the old MX (AD-02). PURE. Only addresses of the plan's own domains are
// ever kept. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/plan_file.hpp"
#include "model/finding.hpp"
#include "model/inventory.hpp"

namespace mxferry::plan {

/// How far back headers are read before the first run.
inline constexpr std::chrono::days kAddressWindow{90};

std::vector<std::string> domain_names(const config::PlanFile& file);

/// Counts the addresses of `domains` in one message's header: in Delivered-To, X-Original-To,
/// Envelope-To, To and Cc. A message counts once for an address and once for each header.
void count_addresses(std::string_view header, const std::vector<std::string>& domains,
                     SeenAddresses& into);
/// Puts another mailbox's count to it.
void add(SeenAddresses& into, const SeenAddresses& more);

/// A mailbox, an alias of one, or an ignored address; "anna+tag@" is served where "anna@" is.
bool is_served(const config::PlanFile& file, const std::string& address);

/// AD-01 for each address that is not served, the most frequent first. One that the plan accepts as
/// "AD-01:ADDRESS" carries the reason.
std::vector<Finding> judge_addresses(const config::PlanFile& file, const SeenAddresses& seen);

/// What an MX answered to RCPT TO of an address that nobody has (cutover practice: 250 is a
/// catch-all; 5.1.1 refuses; greylisting and a blocked prober say nothing).
enum class CatchAll { no, yes, unknown };
CatchAll judge_probe(int code, std::string_view words);

/// One probe of one old MX host.
struct Probe {
  std::string host;
  CatchAll verdict = CatchAll::unknown;
  std::string words;  // the server's, or why there are none
};
/// AD-02, or nothing where every host refuses unknown addresses. Unknown never passes: it is a
/// warning of its own words.
std::vector<Finding> judge_probes(const std::string& domain, const std::vector<Probe>& probes);

}  // namespace mxferry::plan
