// SPDX-License-Identifier: Apache-2.0
// Sets of IP addresses of both families, as sorted intervals that neither meet nor touch: two sets
// are the same if they are equal. Exact, however large the networks are. Pure, any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "protocol/dns/ip_address.hpp"

namespace mxferry::dns {

class IpSet {
 public:
  IpSet() = default;
  /// The addresses that are equal to `address` in its first `prefix` bits, counted as its family
  /// counts.
  static IpSet network(const IpAddress& address, int prefix);
  static IpSet everything();

  bool empty() const { return intervals_.empty(); }
  bool contains(const IpAddress& address) const;
  bool contains(const IpSet& other) const { return (other - *this).empty(); }
  bool operator==(const IpSet&) const = default;

  IpSet operator|(const IpSet& other) const;
  IpSet operator-(const IpSet& other) const;
  IpSet operator&(const IpSet& other) const { return *this - (*this - other); }

  /// The fewest networks that make up the set, as SPF writes them: "ip4:192.0.2.0/24", an address
  /// alone without its prefix.
  std::vector<std::string> spf_terms() const;

 private:
  using Interval = std::pair<IpAddress, IpAddress>;  // first and last address
  std::vector<Interval> intervals_;
};

}  // namespace mxferry::dns
