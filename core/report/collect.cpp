// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_reader.hpp"
#include "model/not_moved.hpp"
#include "plan/plan_json.hpp"
#include "report/collect_told.hpp"
#include "report/inventory.hpp"
#include "report/journal_chain.hpp"
#include "report/report.hpp"

namespace mxferry::report {
namespace {

constexpr std::int64_t kMostExceptions = 10'000;  // a report is read by people
constexpr std::int64_t kMostObservations = 10'000;

Instant from_ms(std::int64_t ms) { return Instant(Millis(ms)); }

std::optional<Instant> time_at(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_ms(row.integer(column));
}

std::optional<std::int64_t> number_at(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.integer(column);
}

Severity severity_of(const std::string& text) {
  if (text == "block") return Severity::block;
  return text == "warning" ? Severity::warning : Severity::info;
}

std::string gate_kind(const Action& action) {
  if (std::holds_alternative<TtlWaitAction>(action)) return "ttl";
  if (std::holds_alternative<VisibleAction>(action)) return "visible";
  if (std::holds_alternative<ApproveAction>(action)) return "approval";
  if (std::holds_alternative<GateAction>(action)) return "mailboxes";
  if (std::holds_alternative<CanaryAction>(action)) return "canary";
  if (std::holds_alternative<ConvergeAction>(action)) return "converge";
  if (std::holds_alternative<WaitAction>(action)) return "wait";
  return "";
}

class Collector {
 public:
  explicit Collector(store::Db& db) : db_(db) {}

  Result<Data> run() {
    MXF_CHECK(read_plan());
    MXF_CHECK(read_run());
    MXF_CHECK(read_steps());
    MXF_CHECK(read_findings());
    MXF_CHECK(read_mailboxes());
    MXF_CHECK(read_exceptions());
    MXF_CHECK(read_dns());
    MXF_CHECK(read_observations());
    MXF_CHECK(read_inventory(db_, out_));
    MXF_CHECK(read_rollbacks());
    MXF_CHECK(read_people());
    MXF_CHECK(read_gates());
    if (plan_) read_notices(*plan_, out_);
    MXF_CHECK(read_alerts(db_, out_));
    MXF_TRY(chain, check_journal(db_));
    out_.journal_records = chain.records;
    out_.journal_broken_at = chain.broken_at;
    judge();
    return std::move(out_);
  }

 private:
  Result<void> read_plan() {
    MXF_TRY(text, db_.text("SELECT body FROM plan ORDER BY revision DESC LIMIT 1"));
    if (text) {
      auto plan = plan::from_json(*text, "state: plan");
      if (plan)
        plan_ = std::move(*plan);
      else
        out_.problems.push_back("the frozen plan cannot be read: " + plan.error().message());
    }
    if (plan_) {
      out_.migration = plan_->id;
      out_.revision = plan_->revision;
      out_.plan_hash = plan_->hash;
      out_.policy = plan_->policy;
      out_.not_moved = plan_->not_moved;
      for (const auto& d : plan_->domains)
        out_.domains.push_back(
            {d.name, d.zone, d.mx_before, d.mx_after, d.spf_before, d.spf_after, {}, {}, {}});
    }
    if (out_.migration.empty()) {
      MXF_TRY(id, db_.text("SELECT value FROM meta WHERE key = 'migration'"));
      out_.migration = id.value_or("");
    }
    if (out_.not_moved.empty()) out_.not_moved = not_moved({});
    return {};
  }

  Result<void> read_run() {
    return db_.each(
        "SELECT plan_revision, plan_hash, host, scale, state, started, heartbeat FROM run",
        [&](const store::Row& row) {
          if (!plan_) {
            out_.revision = static_cast<int>(row.integer(0));
            out_.plan_hash = row.text(1);
          }
          out_.host = row.text(2);
          out_.scale = row.integer(3);
          out_.run_state = row.text(4);
          out_.started = from_ms(row.integer(5));
          out_.heartbeat = from_ms(row.integer(6));
        });
  }

  Result<void> read_steps() {
    std::map<std::string, Instant> began;
    MXF_CHECK(
        db_.each("SELECT step, min(at) FROM journal GROUP BY step",
                 [&](const store::Row& row) { began[row.text(0)] = from_ms(row.integer(1)); }));
    std::map<std::string, StepLine> states;
    MXF_CHECK(db_.each("SELECT step, state, attempt, not_before, why, at FROM step_state",
                       [&](const store::Row& row) {
                         StepLine line;
                         line.id = row.text(0);
                         line.status = step_status(row.text(1)).value_or(StepStatus::unknown);
                         line.attempt = static_cast<int>(row.integer(2));
                         line.not_before = time_at(row, 3);
                         line.why = row.text(4);
                         line.at = from_ms(row.integer(5));
                         states[line.id] = std::move(line);
                       }));
    if (!plan_) {
      for (auto& [id, line] : states) out_.steps.push_back(std::move(line));
      return {};
    }
    for (const auto& step : plan_->steps) {
      StepLine line;
      const auto it = states.find(step.id);
      if (it != states.end()) line = it->second;
      line.id = step.id;
      line.stage = step.stage;
      line.subject = step.subject;
      line.title = step.title;
      line.effect = step.effect;
      const auto first = began.find(step.id);
      if (first != began.end()) line.began = first->second;
      out_.steps.push_back(std::move(line));
    }
    return {};
  }

  Result<void> read_findings() {
    return db_.each(
        "SELECT id, subject, severity, text, remedy, accepted, at FROM finding ORDER BY CASE "
        "severity WHEN 'block' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, at, id, subject",
        [&](const store::Row& row) {
          FindingLine line;
          line.finding = {row.text(0), row.text(1), severity_of(row.text(2)),
                          row.text(3), row.text(4), row.text(5)};
          line.at = from_ms(row.integer(6));
          out_.findings.push_back(std::move(line));
        });
  }

  Result<void> read_mailboxes() {
    std::vector<std::string> verifies;
    MXF_CHECK(db_.each(
        "SELECT address, state, words, src_messages, src_bytes, dst_messages, dst_bytes, copied, "
        "delta_at, verified_at, verify FROM mailbox ORDER BY address",
        [&](const store::Row& row) {
          MailboxLine box;
          box.address = row.text(0);
          box.state = row.text(1);
          box.words = row.text(2);
          box.source = {number_at(row, 3), number_at(row, 4)};
          box.destination = {number_at(row, 5), number_at(row, 6)};
          box.copied = row.integer(7);
          box.delta_at = time_at(row, 8);
          box.verified_at = time_at(row, 9);
          out_.mailboxes.push_back(std::move(box));
          verifies.push_back(row.text(10));
        }));
    for (std::size_t i = 0; i < verifies.size(); ++i) {
      if (verifies[i].empty()) continue;
      auto& box = out_.mailboxes[i];
      auto counts = verify_counts(verifies[i]);
      if (!counts) {
        out_.problems.push_back("the verify of " + box.address +
                                " cannot be read: " + counts.error().message());
        continue;
      }
      box.verify = *counts;
      // Equal by digest is equal in size: what was compared clean counts on both sides.
      if (!box.destination.bytes && counts->clean() && counts->equal == counts->checked)
        box.destination.bytes = counts->bytes;
    }
    for (auto& box : out_.mailboxes) {
      if (box.words.empty()) continue;
      for (const auto& line : out_.findings)
        if (line.finding.subject == box.address && box.remedy.empty())
          box.remedy = line.finding.remedy;
    }
    return {};
  }

  static Result<VerifyCounts> verify_counts(const std::string& text) {
    constexpr const char* kWhere = "state: mailbox.verify";
    MXF_TRY(json, parse_json(text, kWhere));
    VerifyCounts out;
    const std::pair<const char*, std::int64_t*> fields[] = {
        {"checked", &out.checked},   {"equal", &out.equal},
        {"pending", &out.pending},   {"refused", &out.refused},
        {"findings", &out.findings}, {"deleted_at_destination", &out.deleted_at_destination},
        {"bytes", &out.bytes}};
    for (const auto& [key, value] : fields) {
      MXF_TRY(number, json_int_or(json, key, 0, kWhere));
      *value = number;
    }
    return out;
  }

  Result<void> read_exceptions() {
    return db_.each(
        "SELECT p.key, f.src_name, e.src_uid, e.class, e.code, e.words, e.tries FROM exception e "
        "JOIN folder f ON f.id = e.folder AND f.epoch = e.epoch JOIN pair p ON p.id = f.pair "
        "ORDER BY p.key, f.src_name, e.src_uid LIMIT $1",
        [&](const store::Row& row) {
          out_.exceptions.push_back({row.text(0), row.text(1), row.integer(2), row.text(3),
                                     row.text(4), row.text(5), row.integer(6)});
        },
        kMostExceptions);
  }

  Result<std::vector<std::optional<ZoneRRset>>> sides(const std::string& text) {
    constexpr const char* kWhere = "state: dns_change";
    MXF_TRY(json, parse_json(text, kWhere));
    std::vector<std::optional<ZoneRRset>> out;
    for (const auto& item : json) {
      MXF_TRY(absent, json_bool_or(item, "absent", false, kWhere));
      if (absent) {
        out.emplace_back();
        continue;
      }
      MXF_TRY(set, plan::rrset_from_json(item, kWhere));
      out.emplace_back(std::move(set));
    }
    return out;
  }

  Result<void> read_dns() {
    std::vector<std::pair<std::string, std::string>> texts;
    MXF_CHECK(db_.each(
        "SELECT zone, step, state, native_id, at, before, after FROM dns_change ORDER BY id",
        [&](const store::Row& row) {
          out_.dns.push_back(
              {row.text(0), row.text(1), row.text(2), row.text(3), from_ms(row.integer(4)), {}});
          texts.emplace_back(row.text(5), row.text(6));
        }));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      auto& write = out_.dns[i];
      auto before = sides(texts[i].first);
      auto after = sides(texts[i].second);
      if (!before || !after || before->size() != after->size()) {
        out_.problems.push_back("the DNS change of step " + write.step + " cannot be read");
        continue;
      }
      for (std::size_t k = 0; k < before->size(); ++k)
        if ((*before)[k] || (*after)[k]) write.changes.push_back({(*before)[k], (*after)[k]});
      if (write.state != "done") continue;
      for (auto& domain : out_.domains) {
        if (write.step == "flip:" + domain.name) domain.flipped = write.at;
        if (write.step == "rollback:" + domain.name) domain.rolled_back = write.at;
      }
    }
    return db_.each("SELECT zone, hash, at FROM zone_snapshot ORDER BY zone, at",
                    [&](const store::Row& row) {
                      out_.snapshots.push_back({row.text(0), row.text(1), from_ms(row.integer(2))});
                    });
  }

  Result<void> read_observations() {
    MXF_CHECK(db_.each(
        "SELECT kind, subject, body, at FROM observation ORDER BY id LIMIT $1",
        [&](const store::Row& row) {
          out_.observations.push_back(
              {row.text(0), row.text(1), row.text(2), from_ms(row.integer(3))});
        },
        kMostObservations));
    // Which step sent a canary stands in the journal's intent with the same token.
    std::map<std::string, std::string> step_of;
    MXF_CHECK(
        db_.each("SELECT step, body FROM journal WHERE phase = 'intent' AND step LIKE "
                 "'canary-%' ORDER BY seq",
                 [&](const store::Row& row) {
                   const auto json = parse_json(row.text(1), "journal");
                   if (!json) return;
                   const auto token = json_string_or(*json, "token", "", "journal");
                   if (token) step_of.emplace(*token, row.text(0));
                 }));
    std::map<std::string, std::size_t> canary_at;
    for (const auto& seen : out_.observations) {
      if (seen.kind != "canary-sent" && seen.kind != "canary-found" && seen.kind != "straggler" &&
          seen.kind != "straggler-from")
        continue;
      const auto json = parse_json(seen.body, "state: observation");
      if (!json) {
        out_.problems.push_back("an observation (" + seen.kind + ") cannot be read");
        continue;
      }
      if (seen.kind == "straggler") {
        const auto count = json_int_or(*json, "messages", 0, "observation");
        for (auto& box : out_.mailboxes) {
          if (box.address != seen.subject || !count) continue;
          box.stragglers += *count;
          box.straggler_at = seen.at;
        }
        continue;
      }
      if (seen.kind == "straggler-from") {
        add_sender(seen, *json, out_);
        continue;
      }
      auto [it, fresh] = canary_at.emplace(seen.subject, out_.canaries.size());
      if (fresh) {
        CanaryLine line;
        const auto text = [&](const char* key) {
          auto value = json_string_or(*json, key, "", "observation");
          return value ? *value : std::string();
        };
        line.to = text("to");
        line.mx = text("mx");
        line.address = text("address");
        const auto step = step_of.find(seen.subject);
        if (step != step_of.end()) line.step = step->second;
        out_.canaries.push_back(std::move(line));
      }
      auto& line = out_.canaries[it->second];
      (seen.kind == "canary-sent" ? line.sent : line.found) = seen.at;
    }
    return {};
  }

  // A rollback's result says how many messages stay on the new side alone.
  Result<void> read_rollbacks() {
    return db_.each(
        "SELECT step, body FROM journal WHERE phase = 'result' AND step LIKE 'rollback:%' ORDER BY "
        "seq",
        [&](const store::Row& row) {
          const auto json = parse_json(row.text(1), "journal");
          if (!json || !json->contains("stranded")) return;
          const auto count = json_int_or(*json, "stranded", 0, "journal");
          for (auto& domain : out_.domains)
            if (row.text(0) == "rollback:" + domain.name && count) domain.stranded = *count;
        });
  }

  Result<void> read_people() {
    return db_.each(
        "SELECT gate, who, kind, reason, plan_hash, at, expires FROM approval ORDER BY id",
        [&](const store::Row& row) {
          out_.approvals.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                                    from_ms(row.integer(5)), time_at(row, 6)});
        });
  }

  Result<void> read_gates() {
    if (!plan_) return {};
    std::map<std::string, std::string> proof;  // the last observation of a step
    MXF_CHECK(db_.each("SELECT step, body FROM journal WHERE phase = 'observation' ORDER BY seq",
                       [&](const store::Row& row) { proof[row.text(0)] = row.text(1); }));
    for (std::size_t i = 0; i < plan_->steps.size(); ++i) {
      const auto kind = gate_kind(plan_->steps[i].action);
      if (kind.empty()) continue;
      GateLine gate;
      gate.step = out_.steps[i];
      gate.kind = kind;
      const auto it = proof.find(gate.step.id);
      if (it != proof.end()) gate.proof = it->second;
      out_.gates.push_back(std::move(gate));
    }
    return {};
  }

  void judge() {
    out_.outcome = judged();
    std::optional<Instant> last;
    for (const auto& step : out_.steps)
      if (step.at && (!last || *step.at > *last)) last = step.at;
    if (out_.outcome == Outcome::done || out_.outcome == Outcome::done_with_findings ||
        out_.outcome == Outcome::rolled_back)
      out_.ended = last ? last : out_.heartbeat;
  }

  Outcome judged() const {
    if (!out_.started) return Outcome::not_started;
    if (out_.run_state == "rolled_back") return Outcome::rolled_back;
    if (out_.run_state == "rolling_back") return Outcome::rolling_back;
    bool open = false, failed = false, held = false, person = false, waiting = false;
    bool running = false, parked = false;
    for (const auto& step : out_.steps) {
      if (step.stage == Stage::report) continue;
      switch (step.status) {
        case StepStatus::done:
        case StepStatus::waived:
        case StepStatus::undone:
          continue;
        case StepStatus::parked:
          parked = true;
          continue;
        case StepStatus::failed:
          failed = true;
          break;
        case StepStatus::waiting:
          (step.not_before ? waiting : step.effect == Effect::manual ? person : held) = true;
          break;
        case StepStatus::running:
          running = true;
          break;
        case StepStatus::pending:
        case StepStatus::unknown:
          break;
      }
      open = true;
    }
    if (out_.run_state == "paused") return Outcome::paused;
    if (open) {
      if (failed) return Outcome::failed;
      if (held) return Outcome::held;
      if (running) return Outcome::running;
      if (waiting) return Outcome::waiting;
      return person ? Outcome::waiting_for_person : Outcome::running;
    }
    parked = parked || std::any_of(out_.mailboxes.begin(), out_.mailboxes.end(),
                                   [](const MailboxLine& box) { return box.state == "parked"; });
    return parked || out_.open_findings() > 0 ? Outcome::done_with_findings : Outcome::done;
  }

  store::Db& db_;
  std::optional<Plan> plan_;
  Data out_;
};

}  // namespace

// One snapshot for all queries: a run may be writing meanwhile. A savepoint, since the run's own
// report step comes with its read-write Db.
Result<Data> collect(store::Db& db) {
  MXF_CHECK(db.run("SAVEPOINT report"));
  auto data = Collector(db).run();
  MXF_CHECK(db.run("RELEASE report"));
  return data;
}

}  // namespace mxferry::report
