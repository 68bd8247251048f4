// SPDX-License-Identifier: Apache-2.0
// Looking before anything moves: mailboxes and the addresses at which their mail arrives, the old
// MX's answer to an address that nobody has, the zones. The step `assess`, the gate AD-01 before
// the flip, and what `mxferry check` shares with them. On the run's thread but for old_mx_hosts().
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "pipeline/env.hpp"
#include "plan/addresses.hpp"

namespace mxferry::pipeline {

/// What one mailbox said. Each is an error where it could not be looked at.
struct MailLook {
  const config::Mailbox* box = nullptr;
  Result<MailboxInventory> inventory;
  Result<SeenAddresses> seen;
};

struct ToLook {
  const config::Mailbox* box = nullptr;
  bool at_destination = false;
};
/// `boxes`, each with whether its account at the destination can be asked: without a provider API
/// all are there already, with one those that it lists. Blocking: a worker thread, or none.
std::vector<ToLook> to_look_at(std::vector<const config::Mailbox*> boxes, MailProvider* provider,
                               std::stop_token stop);

/// Looks at `boxes`, `lanes` at a time, and hands each over as it is done; ends early where `each`
/// gives an error, which is returned, or at a stop (ErrorCode::cancelled).
Task<Result<void>> look_at_mail(MailEngine& mail, std::vector<ToLook> boxes, int lanes,
                                Instant since, std::stop_token stop,
                                std::function<Result<void>(const MailLook&)> each);

/// A host of a domain's MX set of today and where it can be reached; `problem`: why it cannot.
struct OldMx {
  std::string domain, host;
  std::vector<std::string> addresses{};
  std::string problem{};
};
/// Blocking: a worker thread, or none.
std::vector<OldMx> old_mx_hosts(const Plan& plan, DnsEyes& eyes, std::stop_token stop);
/// Asks each host for an address that nobody has: AD-02 where one takes it, or where none says.
Task<std::vector<Finding>> probe_old_mx(CanaryPost& post, std::vector<OldMx> hosts);

/// A password or permission that must be mended: the mailbox is parked, the others go on.
bool is_login_problem(const Error& error);

/// The step: log in everywhere, count, snapshot the zones. Findings that block hold it (exit 6).
Task<StepEnd> take_inventory(Env& env, const Step& step);
/// The gate AD-01: a fresh look at the mail that came since assess.
Task<StepEnd> address_gate(Env& env, const Step& step, const GateAction& action);

/// Stores how fast a copy was, for the estimate.
Result<void> note_rate(Env& env, const std::string& address, std::uint64_t messages,
                       std::uint64_t bytes, Millis took);
/// Computes the estimate from what is stored, with the measured rate where there is one, and stores
/// it.
Result<void> note_estimate(Env& env);

}  // namespace mxferry::pipeline
