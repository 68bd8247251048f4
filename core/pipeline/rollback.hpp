// SPDX-License-Identifier: Apache-2.0
// Rollback: MX and client records back to what they were before the flip, at the lowered TTL. The
// SPF union, both DKIM selectors and verification strings stay. Before anything is written the old
// side is proven alive. Mail that arrived on the new side is not carried back by this version: it
// is counted and listed, and the operator must agree to strand it. On the run's thread.
#pragma once

#include <vector>

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

/// Does the old side still take and show the domain's mail? IMAP login for every mailbox that is
/// not parked, RCPT at each old MX address. Reads and probes only.
class OldSideProbe {
 public:
  virtual ~OldSideProbe() = default;
  virtual Task<Result<void>> takes_mail(const std::string& mx_host, const std::string& address,
                                        const std::string& to) = 0;
};

struct RollbackResult {
  bool flipped = false;             // false: nothing to roll back
  std::vector<NewMail> stranded{};  // at the end: what is on the new side alone
  std::size_t changes = 0;          // RRsets written
};

struct RollbackOptions {
  bool strand_new_mail = false;
};

/// Steps of one domain. Repeatable: what stands already is not written again.
Task<Result<RollbackResult>> roll_back(Env& env, const std::string& domain, OldSideProbe& probe,
                                       RollbackOptions options);

}  // namespace mxferry::pipeline
