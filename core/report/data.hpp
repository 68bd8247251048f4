// SPDX-License-Identifier: Apache-2.0
// What a report says, as a value: collected once from the state file, rendered as JSON, HTML and
// CSV. Texts are as they stand in the state, with any bytes in them: the renderers escape. Plain
// values, any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "model/finding.hpp"
#include "model/inventory.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"

namespace mxferry::report {

/// How the migration stands. Computed from the steps, the report's own step left out, so that the
/// report written by the last step of a run says what one written afterwards says.
enum class Outcome {
  not_started,
  running,
  paused,
  waiting,             // until a time
  waiting_for_person,  // an approval
  held,                // a gate refuses, or a step found something that must be mended
  failed,
  rolling_back,
  rolled_back,
  done_with_findings,  // parked mailboxes, or findings of at least warning that nobody accepted
  done,
};
std::string to_string(Outcome outcome);
/// One sentence for people.
std::string sentence(Outcome outcome);

struct Side {
  std::optional<std::int64_t> messages{};
  std::optional<std::int64_t> bytes{};
};

/// Counts of the last verify: every message of both sides by digest, date and flags.
struct VerifyCounts {
  std::int64_t checked = 0, equal = 0, pending = 0, refused = 0, findings = 0,
               deleted_at_destination = 0, bytes = 0;
  bool clean() const { return findings == 0; }
};

struct MailboxLine {
  std::string address;
  std::string state;     // pending | copying | copied | verified | parked
  std::string words{};   // why it is parked, or what verify found: the server's words
  std::string remedy{};  // what to do about it
  Side source{}, destination{};
  std::int64_t copied = 0;      // by us, all passes together
  std::int64_t stragglers = 0;  // of them, after the flip
  std::optional<Instant> delta_at{}, verified_at{}, straggler_at{};
  std::optional<VerifyCounts> verify{};
  std::optional<MailboxInventory> inventory{};  // as assess found it
};

/// How long the copying of everything takes, as it was last computed.
struct EstimateLine {
  Millis least{0}, most{0};
  std::string basis;  // assumed | measured
  Instant at{};
};

/// A message that is not at the destination as it is at the source.
struct ExceptionLine {
  std::string mailbox, folder;  // folder: as the source spells it
  std::int64_t src_uid = 0;
  std::string kind;  // refused | altered | skipped | lost | repaired
  std::string code, words;
  std::int64_t tries = 1;
};

struct FindingLine {
  Finding finding;
  Instant at{};
};

struct DnsWrite {
  std::string zone, step, state, native_id;
  Instant at{};
  std::vector<ZoneChange> changes;
};

struct StepLine {
  std::string id, subject, title, why{};
  Stage stage = Stage::assess;
  Effect effect = Effect::read;
  StepStatus status = StepStatus::pending;
  int attempt = 0;
  std::optional<Instant> began{}, at{}, not_before{};  // at: when the state was entered
};

/// A gate or a wait, and what it proved.
struct GateLine {
  StepLine step;
  std::string kind;     // ttl | visible | approval | mailboxes | canary | converge | wait
  std::string proof{};  // JSON object of the step's last observation in the journal, or empty
};

struct CanaryLine {
  std::string step, to, mx, address;
  std::optional<Instant> sent{}, found{};
};

/// Mail that told an audience, as far as a server took it.
struct NoticeLine {
  std::string step, audience, when, state, message_id{};
  std::int64_t taken = 0, refused = 0;
  std::optional<Instant> first_tried{}, sent{};
};

struct AlertLine {
  std::string channel, kind, subject, text, state;  // state: pending | sending | sent
  Instant at{};
};

/// Who still sent to the old server after the flip: an own address whole, of a third party the
/// domain alone.
struct StragglerLine {
  std::string mailbox, from, host;  // host: that handed it to the old server (its newest Received)
  std::int64_t messages = 0;
  Instant last{};
};

struct ApprovalLine {
  std::string gate, who, kind, reason, plan_hash;
  Instant at{};
  std::optional<Instant> expires{};
};

struct SnapshotLine {
  std::string zone, hash;
  Instant at{};
};

struct ObservationLine {
  std::string kind, subject, body;  // body: JSON text
  Instant at{};
};

struct DomainLine {
  std::string name, zone;
  std::vector<std::string> mx_before, mx_after;
  std::string spf_before, spf_after;
  std::optional<Instant> flipped{};
  std::optional<Instant> rolled_back{};
  std::optional<std::int64_t> stranded{};  // messages that a rollback left on the new side
};

struct Data {
  std::string migration;
  int revision = 0;
  std::string plan_hash;
  std::map<std::string, std::string> policy;
  std::vector<DomainLine> domains;

  std::string run_state = "none";
  std::string host;
  std::int64_t scale = 1;
  std::optional<Instant> started{}, heartbeat{}, ended{};
  Outcome outcome = Outcome::not_started;

  std::vector<StepLine> steps;
  std::vector<MailboxLine> mailboxes;
  std::optional<EstimateLine> estimate{};
  std::vector<ExceptionLine> exceptions;
  std::vector<FindingLine> findings;
  std::vector<DnsWrite> dns;
  std::vector<GateLine> gates;
  std::vector<CanaryLine> canaries;
  std::vector<StragglerLine> stragglers;
  std::vector<NoticeLine> notices;
  std::vector<AlertLine> alerts;
  std::vector<ApprovalLine> approvals;
  std::vector<SnapshotLine> snapshots;
  std::vector<ObservationLine> observations;
  std::vector<std::string> not_moved;  // never empty

  std::int64_t journal_records = 0;
  std::optional<std::int64_t> journal_broken_at{};  // seq of the first record that does not fit
  std::vector<std::string> problems;                // what in the state could not be read

  std::int64_t open_findings() const;  // at least warning, and not accepted
};

}  // namespace mxferry::report
