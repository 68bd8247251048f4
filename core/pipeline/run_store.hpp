// SPDX-License-Identifier: Apache-2.0
// RunStore: the run's own words in the state file: frozen plan, step states, the hash-chained
// journal, approvals, control, findings, mailboxes, DNS changes and snapshots. The thread of the
// run only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json_reader.hpp"
#include "model/finding.hpp"
#include "model/plan.hpp"
#include "model/zone.hpp"
#include "store/state_file.hpp"

namespace mxferry::pipeline {

struct StepRow {
  StepStatus status = StepStatus::pending;
  int attempt = 0;
  std::optional<Instant> not_before{};
  std::string why{};
  Instant at{};
};

struct MailboxRow {
  std::string address;
  std::string state = "pending";  // pending | copying | copied | verified | parked
  std::string words{};            // why it is parked, the server's words escaped
  std::int64_t src_messages = 0, src_bytes = 0, dst_messages = 0, dst_bytes = 0, copied = 0;
  std::optional<Instant> delta_at{}, verified_at{};
  std::string verify{};  // JSON of the last verify's counts
};

struct ControlRow {
  std::int64_t id = 0;
  std::string verb, body, who;
};

struct JournalRow {
  std::int64_t seq = 0;
  Instant at{};
  std::string step, phase, body;
};

class RunStore {
 public:
  RunStore(store::StateFile& state, const Clock& clock)
      : state_(state), db_(state.db()), clock_(clock) {}

  // plan
  Result<std::optional<Plan>> frozen_plan();
  Result<void> freeze(const Plan& plan);
  Result<void> begin_run(const Plan& plan, std::int64_t scale);
  Result<void> set_run_state(const std::string& state);
  Result<std::string> run_state();
  Result<void> heartbeat();

  // steps
  Result<std::map<std::string, StepRow>> steps();
  Result<void> set_step(const std::string& step, StepStatus status, const std::string& why = "",
                        std::optional<Instant> not_before = std::nullopt, bool new_attempt = false);
  Result<std::optional<Instant>> done_at(const std::string& step);

  /// Appends one record; phase: intent | result | observation | approval | state. Durable when it
  /// returns.
  Result<void> journal(const std::string& step, const std::string& phase, const Json& body);
  Result<std::vector<JournalRow>> journal_rows();
  /// The seq of the first record whose hash does not follow from the one before; nothing: the chain
  /// is whole.
  Result<std::optional<std::int64_t>> broken_link();

  // people
  Result<bool> approved(const std::string& plan_hash, const std::string& gate);
  Result<void> approve(const std::string& plan_hash, const std::string& gate,
                       const std::string& who, const std::string& kind, const std::string& reason);
  Result<std::vector<ControlRow>> take_control();
  static Result<void> insert_control(store::Db& db, Instant now, const std::string& verb,
                                     const std::string& body, const std::string& who);

  // what was found and seen
  Result<void> put_finding(const Finding& finding);
  Result<std::vector<Finding>> findings();
  /// Takes findings away that are looked for afresh; an empty argument means all.
  Result<void> forget_findings(const std::string& id, const std::string& subject);
  Result<void> observe(const std::string& kind, const std::string& subject, const Json& body);
  Result<std::vector<std::pair<Instant, std::string>>> observations(
      const std::string& kind, const std::string& subject = "");
  /// The last observation of each subject: when, and its body.
  Result<std::map<std::string, std::pair<Instant, std::string>>> latest(const std::string& kind);
  Result<void> put_snapshot(const ZoneSnapshot& snapshot);
  Result<std::optional<ZoneSnapshot>> first_snapshot(const std::string& zone);
  /// Keeps the largest TTL seen since assess for the set.
  Result<void> see_ttl(const std::string& zone, const std::string& name, const std::string& type,
                       std::uint32_t ttl);
  Result<std::optional<std::uint32_t>> seen_ttl(const std::string& zone, const std::string& name,
                                                const std::string& type);

  // DNS writes
  Result<std::int64_t> dns_intent(const std::string& zone, const std::string& step,
                                  const std::vector<ZoneChange>& changes);
  Result<void> dns_result(std::int64_t id, const std::vector<std::string>& native_ids);
  struct DnsWrite {
    std::string step, state;
    Instant at{};
    std::vector<ZoneChange> changes;
  };
  Result<std::vector<DnsWrite>> dns_writes(const std::string& zone);

  // mailboxes
  Result<void> put_mailbox(const MailboxRow& row);
  Result<std::map<std::string, MailboxRow>> mailboxes();

  const Clock& clock() const { return clock_; }
  store::StateFile& state() { return state_; }

 private:
  store::StateFile& state_;
  store::Db& db_;
  const Clock& clock_;
};

std::int64_t to_ms(Instant t);
Instant from_ms(std::int64_t ms);

}  // namespace mxferry::pipeline
