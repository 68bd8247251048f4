// SPDX-License-Identifier: Apache-2.0
// The walk from the root to a zone's name servers, by ourselves (RD=0 all the way), so that no
// cache and no resolver's opinion stands between us and the delegation: the parent's NS set, united
// with the zone's own. Blocking; one thread.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "dns/asker.hpp"

namespace mxferry::dns {

struct NameServer {
  std::string name;                       // canonical
  std::vector<DnsServer> addresses{};     // those that this machine has a route to
  std::vector<std::string> unroutable{};  // reported; the server counts by its other addresses
  bool at_parent = false;
  bool at_child = false;
};

struct Delegation {
  std::string zone;
  std::vector<NameServer> servers;
  std::vector<std::string>
      problems{};  // parent and child differ, a server without an address, …: for findings
};

class Walker {
 public:
  /// `roots`: the root servers to start at; empty: the public ones (named.root of IANA). All others
  /// are asked on `port`.
  explicit Walker(std::vector<DnsServer> roots, std::uint16_t port = 53);

  /// The servers of the zone that holds `name`; the zone's name is found by the walk (its cut
  /// nearest to `name`).
  Result<Delegation> zone_of(const std::string& name, std::stop_token stop);
  /// Addresses (A and AAAA) of a host, following aliases; empty: it certainly has none.
  Result<std::vector<std::string>> addresses_of(const std::string& host, std::stop_token stop);
  /// An RRset from the zone's own servers, wherever that zone is.
  Result<Seen> lookup(const Question& question, std::stop_token stop);
  /// The DS set of a zone, from its parent's servers (RFC 4035 §3.1.4.1).
  Result<Seen> ds_of(const std::string& zone, std::stop_token stop);

 private:
  struct Cut {
    std::string zone;
    std::vector<std::string> names;    // NS names the parent gave
    std::vector<DnsServer> addresses;  // of those, from glue or a walk
  };
  Result<Cut> walk(const std::string& name, int depth, std::stop_token stop);
  Result<std::vector<std::string>> resolve(const std::string& host, int depth,
                                           std::stop_token stop);
  Result<Seen> look(const Question& question, int depth, std::stop_token stop);
  std::vector<DnsServer> roots_;
  std::uint16_t port_;
  std::map<std::string, std::vector<std::string>>
      hosts_;  // within one Walker: a snapshot of one moment
};

}  // namespace mxferry::dns
