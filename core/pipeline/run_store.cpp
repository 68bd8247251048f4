// SPDX-License-Identifier: Apache-2.0
#include "pipeline/run_store.hpp"

#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/sha256.hpp"
#include "plan/plan_json.hpp"

namespace mxferry::pipeline {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

Json changes_json(const std::vector<ZoneChange>& changes, bool after) {
  Json out = Json::array();
  for (const auto& change : changes) {
    const auto& side = after ? change.after : change.before;
    const auto& other = after ? change.before : change.after;
    if (side)
      out.push_back(plan::to_json(*side));
    else
      out.push_back({{"name", other->name}, {"type", other->type}, {"absent", true}});
  }
  return out;
}

Result<std::vector<std::optional<ZoneRRset>>> sides_from(const std::string& text) {
  MXF_TRY(json, parse_json(text, "state: dns_change"));
  std::vector<std::optional<ZoneRRset>> out;
  for (const auto& item : json) {
    MXF_TRY(absent, json_bool_or(item, "absent", false, "state: dns_change"));
    if (absent) {
      out.emplace_back();
    } else {
      MXF_TRY(set, plan::rrset_from_json(item, "state: dns_change"));
      out.emplace_back(std::move(set));
    }
  }
  return out;
}

std::optional<Instant> instant_at(const store::Row& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_ms(row.integer(column));
}

std::optional<std::int64_t> ms_of(const std::optional<Instant>& t) {
  if (!t) return std::nullopt;
  return to_ms(*t);
}

std::string link_hash(const std::string& prev, std::int64_t at, const std::string& step,
                      const std::string& phase, const std::string& body) {
  return sha256_hex(prev + "\n" + std::to_string(at) + "\n" + step + "\n" + phase + "\n" + body);
}

}  // namespace

std::int64_t to_ms(Instant t) { return t.time_since_epoch().count(); }
Instant from_ms(std::int64_t ms) { return Instant(Millis(ms)); }

Result<std::optional<Plan>> RunStore::frozen_plan() {
  MXF_TRY(text, db_.text("SELECT body FROM plan ORDER BY revision DESC LIMIT 1"));
  if (!text) return std::optional<Plan>();
  MXF_TRY(plan, plan::from_json(*text, "state: plan"));
  return std::optional(std::move(plan));
}

Result<void> RunStore::freeze(const Plan& plan) {
  return db_.run("INSERT INTO plan(revision, at, hash, body) VALUES($1, $2, $3, $4)", plan.revision,
                 to_ms(clock_.now()), plan.hash, canonical_json(plan::to_json(plan)));
}

Result<void> RunStore::begin_run(const Plan& plan, std::int64_t scale) {
  MXF_TRY(fence, db_.number("SELECT fence FROM run WHERE id = 1"));
  const auto now = to_ms(clock_.now());
  return db_.run(
      "INSERT INTO run(id, plan_revision, plan_hash, host, boot_id, pid, fence, scale, state, "
      "started, heartbeat) VALUES(1, $1, $2, $3, $4, $5, $6, $7, 'running', $8, $8) "
      "ON CONFLICT(id) DO UPDATE SET plan_revision = excluded.plan_revision, plan_hash = "
      "excluded.plan_hash, host = excluded.host, boot_id = excluded.boot_id, "
      "pid = excluded.pid, fence = excluded.fence, scale = excluded.scale, heartbeat = "
      "excluded.heartbeat, "
      "state = CASE WHEN run.state IN ('paused', 'rolled_back', 'done') THEN run.state ELSE "
      "'running' END",
      plan.revision, plan.hash, host_name(), clock_.boot_id(),
      static_cast<std::int64_t>(::getpid()), fence.value_or(0) + 1, scale, now);
}

Result<void> RunStore::set_run_state(const std::string& state) {
  return db_.run("UPDATE run SET state = $1, heartbeat = $2 WHERE id = 1", state,
                 to_ms(clock_.now()));
}

Result<std::string> RunStore::run_state() {
  MXF_TRY(state, db_.text("SELECT state FROM run WHERE id = 1"));
  return state.value_or("none");
}

Result<void> RunStore::heartbeat() {
  return db_.run("UPDATE run SET heartbeat = $1 WHERE id = 1", to_ms(clock_.now()));
}

Result<std::map<std::string, StepRow>> RunStore::steps() {
  std::map<std::string, StepRow> out;
  MXF_CHECK(db_.each("SELECT step, state, attempt, not_before, why, at FROM step_state",
                     [&](const store::Row& row) {
                       StepRow step;
                       step.status = step_status(row.text(1)).value_or(StepStatus::unknown);
                       step.attempt = static_cast<int>(row.integer(2));
                       step.not_before = instant_at(row, 3);
                       step.why = row.text(4);
                       step.at = from_ms(row.integer(5));
                       out[row.text(0)] = step;
                     }));
  return out;
}

Result<void> RunStore::set_step(const std::string& step, StepStatus status, const std::string& why,
                                std::optional<Instant> not_before, bool new_attempt) {
  return db_.run(
      "INSERT INTO step_state(step, state, attempt, not_before, why, at) VALUES($1, $2, $3, $4, "
      "$5, $6) ON CONFLICT(step) DO UPDATE SET state = excluded.state, "
      "attempt = step_state.attempt + $3, not_before = excluded.not_before, why = excluded.why, at "
      "= excluded.at",
      step, to_string(status), new_attempt ? 1 : 0, ms_of(not_before), escape_line(why),
      to_ms(clock_.now()));
}

Result<std::optional<Instant>> RunStore::done_at(const std::string& step) {
  MXF_TRY(at, db_.number("SELECT at FROM step_state WHERE step = $1 AND state = 'done'", step));
  if (!at) return std::optional<Instant>();
  return std::optional(from_ms(*at));
}

Result<void> RunStore::journal(const std::string& step, const std::string& phase,
                               const Json& body) {
  // `approve` of another process may write here too: reading the last link and adding the next is
  // one transaction.
  std::optional<store::Transaction> own;
  if (!db_.in_transaction()) {
    MXF_TRY(transaction, db_.begin());
    own.emplace(std::move(transaction));
  }
  MXF_TRY(prev, db_.text("SELECT hash FROM journal ORDER BY seq DESC LIMIT 1"));
  const std::string before = prev.value_or("");
  const std::string text = canonical_json(body);
  const auto at = to_ms(clock_.now());
  MXF_CHECK(
      db_.run("INSERT INTO journal(at, step, attempt, phase, body, prev_hash, hash) VALUES($1, $2, "
              "coalesce((SELECT attempt FROM step_state WHERE step = $2), 0), $3, $4, $5, $6)",
              at, step, phase, text, before, link_hash(before, at, step, phase, text)));
  if (own) return own->commit();
  return {};
}

Result<std::vector<JournalRow>> RunStore::journal_rows() {
  std::vector<JournalRow> out;
  MXF_CHECK(db_.each(
      "SELECT seq, at, step, phase, body FROM journal ORDER BY seq", [&](const store::Row& row) {
        out.push_back(
            {row.integer(0), from_ms(row.integer(1)), row.text(2), row.text(3), row.text(4)});
      }));
  return out;
}

Result<std::optional<std::int64_t>> RunStore::broken_link() {
  std::optional<std::int64_t> broken;
  std::string prev;
  MXF_CHECK(db_.each("SELECT seq, at, step, phase, body, prev_hash, hash FROM journal ORDER BY seq",
                     [&](const store::Row& row) {
                       const bool fits = row.text(5) == prev &&
                                         row.text(6) == link_hash(prev, row.integer(1), row.text(2),
                                                                  row.text(3), row.text(4));
                       if (!fits && !broken) broken = row.integer(0);
                       prev = row.text(6);
                     }));
  return broken;
}

Result<bool> RunStore::approved(const std::string& plan_hash, const std::string& gate) {
  MXF_TRY(count, db_.number("SELECT count(*) FROM approval WHERE plan_hash = $1 AND gate = $2 AND "
                            "(expires IS NULL OR expires > $3)",
                            plan_hash, gate, to_ms(clock_.now())));
  return count.value_or(0) > 0;
}

Result<void> RunStore::approve(const std::string& plan_hash, const std::string& gate,
                               const std::string& who, const std::string& kind,
                               const std::string& reason) {
  MXF_CHECK(db_.run(
      "INSERT INTO approval(plan_hash, gate, who, at, kind, reason) VALUES($1, $2, $3, $4, $5, $6)",
      plan_hash, gate, escape_line(who), to_ms(clock_.now()), kind, escape_line(reason)));
  const Json body = {{"gate", gate},
                     {"plan", plan_hash},
                     {"who", escape_line(who)},
                     {"kind", kind},
                     {"reason", escape_line(reason)}};
  return journal("approve:" + gate, "approval", body);
}

Result<std::vector<ControlRow>> RunStore::take_control() {
  std::vector<ControlRow> out;
  MXF_CHECK(db_.each("SELECT id, verb, body, who FROM control WHERE taken IS NULL ORDER BY id",
                     [&](const store::Row& row) {
                       out.push_back({row.integer(0), row.text(1), row.text(2), row.text(3)});
                     }));
  for (const auto& row : out)
    MXF_CHECK(db_.run("UPDATE control SET taken = $1 WHERE id = $2", to_ms(clock_.now()), row.id));
  return out;
}

Result<void> RunStore::insert_control(store::Db& db, Instant now, const std::string& verb,
                                      const std::string& body, const std::string& who) {
  return db.run("INSERT INTO control(at, verb, body, who) VALUES($1, $2, $3, $4)", to_ms(now), verb,
                body, who);
}

Result<void> RunStore::put_finding(const Finding& f) {
  return db_.run(
      "INSERT INTO finding(id, subject, severity, text, remedy, accepted, at) VALUES($1, $2, $3, "
      "$4, $5, $6, $7) ON CONFLICT(id, subject) DO UPDATE SET "
      "severity = excluded.severity, text = excluded.text, remedy = excluded.remedy, accepted = "
      "excluded.accepted",
      f.id, f.subject, to_string(f.severity), escape_line(f.text), escape_line(f.remedy),
      escape_line(f.accepted), to_ms(clock_.now()));
}

Result<std::vector<Finding>> RunStore::findings() {
  std::vector<Finding> out;
  MXF_CHECK(db_.each(
      "SELECT id, subject, severity, text, remedy, accepted FROM finding ORDER BY at, id, subject",
      [&](const store::Row& row) {
        const auto severity = row.text(2) == "block"     ? Severity::block
                              : row.text(2) == "warning" ? Severity::warning
                                                         : Severity::info;
        out.push_back({row.text(0), row.text(1), severity, row.text(3), row.text(4), row.text(5)});
      }));
  return out;
}

Result<void> RunStore::observe(const std::string& kind, const std::string& subject,
                               const Json& body) {
  return db_.run("INSERT INTO observation(at, kind, subject, body) VALUES($1, $2, $3, $4)",
                 to_ms(clock_.now()), kind, subject, canonical_json(body));
}

Result<std::vector<std::pair<Instant, std::string>>> RunStore::observations(
    const std::string& kind, const std::string& subject) {
  std::vector<std::pair<Instant, std::string>> out;
  MXF_CHECK(db_.each(
      "SELECT at, body FROM observation WHERE kind = $1 AND ($2 = '' OR subject = $2) ORDER BY id",
      [&](const store::Row& row) { out.emplace_back(from_ms(row.integer(0)), row.text(1)); }, kind,
      subject));
  return out;
}

Result<std::map<std::string, std::pair<Instant, std::string>>> RunStore::latest(
    const std::string& kind) {
  std::map<std::string, std::pair<Instant, std::string>> out;
  MXF_CHECK(db_.each(
      "SELECT subject, at, body FROM observation WHERE kind = $1 ORDER BY id",
      [&](const store::Row& row) {
        out[row.text(0)] = {from_ms(row.integer(1)), row.text(2)};
      },
      kind));
  return out;
}

Result<void> RunStore::put_snapshot(const ZoneSnapshot& snapshot) {
  const std::string body = canonical_json(plan::to_json(snapshot));
  return db_.run("INSERT INTO zone_snapshot(zone, at, body, hash) VALUES($1, $2, $3, $4)",
                 snapshot.zone, to_ms(clock_.now()), body, sha256_hex(body));
}

Result<std::optional<ZoneSnapshot>> RunStore::first_snapshot(const std::string& zone) {
  MXF_TRY(text,
          db_.text("SELECT body FROM zone_snapshot WHERE zone = $1 ORDER BY at LIMIT 1", zone));
  if (!text) return std::optional<ZoneSnapshot>();
  MXF_TRY(snapshot, plan::snapshot_from_json(*text, "state: zone_snapshot"));
  return std::optional(std::move(snapshot));
}

Result<void> RunStore::see_ttl(const std::string& zone, const std::string& name,
                               const std::string& type, std::uint32_t ttl) {
  return db_.run(
      "INSERT INTO seen_ttl(zone, name, type, ttl) VALUES($1, $2, $3, $4) ON CONFLICT(zone, name, "
      "type) DO UPDATE SET ttl = max(seen_ttl.ttl, excluded.ttl)",
      zone, name, type, ttl);
}

Result<std::optional<std::uint32_t>> RunStore::seen_ttl(const std::string& zone,
                                                        const std::string& name,
                                                        const std::string& type) {
  MXF_TRY(ttl, db_.number("SELECT ttl FROM seen_ttl WHERE zone = $1 AND name = $2 AND type = $3",
                          zone, name, type));
  if (!ttl) return std::optional<std::uint32_t>();
  return std::optional(static_cast<std::uint32_t>(*ttl));
}

Result<std::int64_t> RunStore::dns_intent(const std::string& zone, const std::string& step,
                                          const std::vector<ZoneChange>& changes) {
  MXF_TRY(transaction, db_.begin());
  MXF_CHECK(
      db_.run("INSERT INTO dns_change(zone, step, at, before, after, state) VALUES($1, $2, $3, $4, "
              "$5, 'intent')",
              zone, step, to_ms(clock_.now()), canonical_json(changes_json(changes, false)),
              canonical_json(changes_json(changes, true))));
  const auto id = db_.last_id();
  const Json body = {{"zone", zone},
                     {"dns_change", id},
                     {"before", changes_json(changes, false)},
                     {"after", changes_json(changes, true)}};
  MXF_CHECK(journal(step, "intent", body));
  MXF_CHECK(transaction.commit());
  return id;
}

Result<void> RunStore::dns_result(std::int64_t id, const std::vector<std::string>& native_ids) {
  std::string ids;
  for (const auto& native : native_ids) ids += (ids.empty() ? "" : " ") + native;
  MXF_TRY(transaction, db_.begin());
  MXF_TRY(step, db_.text("SELECT step FROM dns_change WHERE id = $1", id));
  MXF_CHECK(db_.run("UPDATE dns_change SET state = 'done', native_id = $1 WHERE id = $2", ids, id));
  const Json body = {{"dns_change", id}, {"state", "done"}};
  MXF_CHECK(journal(step.value_or(""), "result", body));
  return transaction.commit();
}

Result<std::vector<RunStore::DnsWrite>> RunStore::dns_writes(const std::string& zone) {
  std::vector<DnsWrite> out;
  std::vector<std::pair<std::string, std::string>> texts;
  MXF_CHECK(db_.each(
      "SELECT step, state, at, before, after FROM dns_change WHERE zone = $1 ORDER BY id",
      [&](const store::Row& row) {
        out.push_back({row.text(0), row.text(1), from_ms(row.integer(2)), {}});
        texts.emplace_back(row.text(3), row.text(4));
      },
      zone));
  for (std::size_t i = 0; i < out.size(); ++i) {
    MXF_TRY(before, sides_from(texts[i].first));
    MXF_TRY(after, sides_from(texts[i].second));
    for (std::size_t k = 0; k < before.size() && k < after.size(); ++k)
      out[i].changes.push_back({before[k], after[k]});
  }
  return out;
}

Result<void> RunStore::put_mailbox(const MailboxRow& row) {
  // Nothing known is NULL, never zero: the report then takes a clean verify's count.
  const auto dst_bytes = row.dst_bytes > 0 ? std::optional(row.dst_bytes) : std::nullopt;
  return db_.run(
      "INSERT INTO mailbox(address, state, words, src_messages, src_bytes, dst_messages, "
      "dst_bytes, copied, delta_at, verified_at, verify) "
      "VALUES($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT(address) DO UPDATE SET "
      "state = excluded.state, words = excluded.words, "
      "src_messages = excluded.src_messages, src_bytes = excluded.src_bytes, dst_messages = "
      "excluded.dst_messages, dst_bytes = excluded.dst_bytes, "
      "copied = excluded.copied, delta_at = excluded.delta_at, verified_at = excluded.verified_at, "
      "verify = excluded.verify",
      row.address, row.state, escape_line(row.words), row.src_messages, row.src_bytes,
      row.dst_messages, dst_bytes, row.copied, ms_of(row.delta_at), ms_of(row.verified_at),
      row.verify);
}

Result<std::map<std::string, MailboxRow>> RunStore::mailboxes() {
  std::map<std::string, MailboxRow> out;
  MXF_CHECK(
      db_.each("SELECT address, state, words, src_messages, src_bytes, dst_messages, dst_bytes, "
               "copied, delta_at, verified_at, verify FROM mailbox",
               [&](const store::Row& row) {
                 MailboxRow box;
                 box.address = row.text(0);
                 box.state = row.text(1);
                 box.words = row.text(2);
                 box.src_messages = row.integer(3);
                 box.src_bytes = row.integer(4);
                 box.dst_messages = row.integer(5);
                 box.dst_bytes = row.integer(6);
                 box.copied = row.integer(7);
                 box.delta_at = instant_at(row, 8);
                 box.verified_at = instant_at(row, 9);
                 box.verify = row.text(10);
                 out[box.address] = box;
               }));
  return out;
}

Result<void> RunStore::forget_findings(const std::string& id, const std::string& subject) {
  return db_.run("DELETE FROM finding WHERE ($1 = '' OR id = $1) AND ($2 = '' OR subject = $2)", id,
                 subject);
}

}  // namespace mxferry::pipeline
