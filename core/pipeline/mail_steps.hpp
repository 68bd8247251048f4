// SPDX-License-Identifier: Apache-2.0
// The steps that work on mailboxes: provisioning, copies, verify, the watch after the
// flip. On the run's thread.
#pragma once

#include "pipeline/env.hpp"

namespace mxferry::pipeline {

Task<StepEnd> provision(Env& env, const Step& step, const ProvisionAction& action);
Task<StepEnd> copy_mailbox(Env& env, const Step& step, const CopyAction& action);
Task<StepEnd> verify_mailbox(Env& env, const Step& step, const VerifyAction& action);
Task<StepEnd> monitor(Env& env, const Step& step, const MonitorAction& action);

/// One copy run of a mailbox, with its row in the state brought up to date. `stragglers`: what it
/// copied is counted as such.
Task<Result<copy::CopyReport>> copy_once(Env& env, const config::Mailbox& box, CopyKind kind);
/// One verify, with its row brought up to date: clean or not, and why.
Task<Result<copy::VerifyReport>> verify_once(Env& env, const config::Mailbox& box);
/// The words for a verify that found something; empty: clean.
std::string verify_problem(const copy::VerifyReport& report);

/// The mailbox's row in the state; a fresh one where there is none yet.
Result<MailboxRow> row_of(Env& env, const std::string& address);
/// Marks the mailbox as parked: the run goes on without it, MB-01 holds the flip.
Result<void> park(Env& env, const std::string& address, const Error& error);

}  // namespace mxferry::pipeline
