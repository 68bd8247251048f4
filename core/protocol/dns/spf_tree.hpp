// SPDX-License-Identifier: Apache-2.0
// An SPF record with all that it leads to: which addresses pass, what it costs at most, and which
// of its terms nobody can say that of beforehand (RFC 7208). The answers of DNS come through
// Lookups: pure but for what they do.
#pragma once

#include <string>
#include <vector>

#include "protocol/dns/ip_set.hpp"
#include "protocol/dns/lookup.hpp"
#include "protocol/dns/spf.hpp"

namespace mxferry::dns {

/// One term, and what stands behind it.
struct SpfBranch {
  std::string term;                // as it is written; "redirect=…" too
  IpSet matches{};                 // include and redirect: what passes there
  bool proven = true;              // false: exists, ptr, macros: it depends on the message
  int lookups = 0;                 // its own and all below it
  int voids = 0;                   // terms of which a lookup finds nothing, below it too
  std::string problem{};           // why it is an error for a receiver; empty: none
  bool unknown = false;            // `problem` is a failed lookup: nothing is known
  std::vector<SpfBranch> below{};  // the terms of the record that it includes
};

struct SpfTree {
  std::string domain;  // canonical
  std::string text{};  // the record
  std::vector<SpfBranch> terms{};
  IpSet passes{};   // of the proven terms
  IpSet left{};     // what no proven term matches, before `all` and redirect
  int lookups = 0;  // if every term is reached
  int voids = 0;
  std::vector<std::string> outside{};   // terms that are not proven, with where they stand
  std::vector<std::string> problems{};  // sentences for people
  bool unknown = false;                 // a lookup failed: the sets are not to be trusted
};

/// The tree of a record that stands, or is to stand, at `domain` (canonical). ErrorCode::config
/// where the record itself is malformed.
Result<SpfTree> spf_tree(const std::string& domain, const std::string& text, Lookups& lookups);

}  // namespace mxferry::dns
