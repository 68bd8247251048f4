// SPDX-License-Identifier: Apache-2.0
// `mxferry dns SUBCOMMAND`: one zone at one DNS API, without a migration. A subcommand is a line in
// the table of dns_command.cpp; what all share (plugin, zone, settings, secrets) is read here once.
// Main thread.
#pragma once

#include <boost/program_options.hpp>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "model/zone.hpp"
#include "ports/dns_api.hpp"

namespace mxferry::app {

/// `args` behind "dns". Returns the exit code.
int dns_command(std::span<const std::string> args);
std::vector<std::string> dns_subcommands();

/// What names the zone and the API on the command line, the same for every subcommand.
struct DnsTarget {
  std::string plugin;  // its id
  std::string same;    // --plugin, another word for it
  std::string zone;
  std::vector<std::string> set;      // NAME=VALUE: settings of the plugin
  std::vector<std::string> secret;   // NAME=REFERENCE
  std::vector<std::string> folders;  // more plugin folders
};
void add_dns_options(boost::program_options::options_description& options, DnsTarget& target);

/// Resolves settings and secrets and opens the plugin; afterwards target.zone is canonical.
Result<std::unique_ptr<DnsApi>> open_dns_target(DnsTarget& target);

/// {"plugin","zone","rrsets":[{"name","type","ttl","records":[{"rdata"[,"id"][,"extra"]}]}]},
/// RRsets by name and type, records by rdata: the same zone gives the same text.
std::string zone_json(const std::string& plugin, ZoneSnapshot zone);
/// Lines of a zone file, for people.
std::string zone_text(ZoneSnapshot zone);

}  // namespace mxferry::app
