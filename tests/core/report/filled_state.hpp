// SPDX-License-Identifier: Apache-2.0
// A state file as a run leaves it, filled by SQL: two domains, a flip, waits, canaries, a
// straggler, a parked mailbox, and hostile bytes wherever a server's words can stand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "plan/plan_json.hpp"
#include "report/journal_chain.hpp"
#include "store/state_file.hpp"

namespace mxferry::report::test {

inline const std::string kHostile =
    std::string("\x1b]0;x\x07\r\n{\"level\":\"error\"}\xff") + "<script>alert(1)</script>";
inline constexpr std::int64_t kStart = 1'795'428'000'000;  // 2026-11-23T10:00:00Z
inline constexpr std::int64_t kMinute = 60'000;

inline Plan sample_plan() {
  Plan plan;
  plan.id = "acme";
  plan.revision = 2;
  plan.inputs["config"] = std::string(64, 'a');
  plan.policy["ttl.lowered"] = "300";
  plan.not_moved = {"calendars", "contacts"};
  DomainPlan d;
  d.name = "example.com";
  d.zone = "example.com.";
  d.mx_before = {"10 mx.old.example."};
  d.mx_after = {"10 mx1.new.example.", "20 mx2.new.example."};
  d.spf_before = "v=spf1 mx -all";
  d.spf_after = "v=spf1 include:spf.new.example -all";
  plan.domains.push_back(d);
  const auto add = [&](std::string id, Stage stage, std::string subject, Effect effect,
                       std::string title, Action action) {
    Step step;
    step.id = std::move(id);
    step.stage = stage;
    step.subject = std::move(subject);
    if (!plan.steps.empty()) step.after = {plan.steps.back().id};
    step.effect = effect;
    step.title = std::move(title);
    step.action = std::move(action);
    plan.steps.push_back(std::move(step));
  };
  add("assess", Stage::assess, "acme", Effect::read, "log in to every mailbox", InventoryAction{});
  add("bulk:ada@example.com", Stage::bulk, "ada@example.com", Effect::mail, "copy everything",
      CopyAction{CopyKind::bulk, "ada@example.com"});
  add("bulk:bob@example.com", Stage::bulk, "bob@example.com", Effect::mail, "copy everything",
      CopyAction{CopyKind::bulk, "bob@example.com"});
  add("lower-ttl:example.com", Stage::ttl, "example.com", Effect::dns, "lower the TTLs",
      DnsChangeAction{"example.com.", {}});
  add("ttl-wait:example.com", Stage::ttl, "example.com", Effect::read,
      "wait until no cache holds the old TTL", TtlWaitAction{"example.com.", {"example.com./MX"}});
  add("approve:example.com", Stage::approve, "example.com", Effect::manual, "approval of the flip",
      ApproveAction{"flip", 1});
  add("canary-direct:example.com", Stage::final_sync, "example.com", Effect::mail,
      "a canary sent straight to each new MX", CanaryAction{"example.com", "direct"});
  add("gate:example.com", Stage::flip, "example.com", Effect::read, "every mailbox copied",
      GateAction{"MB-01", "example.com"});
  add("flip:example.com", Stage::flip, "example.com", Effect::dns,
      "MX and client records to the new provider", DnsChangeAction{"example.com.", {}});
  add("converge:example.com", Stage::converge, "example.com", Effect::read, "all agree",
      ConvergeAction{"example.com", "example.com.", {"example.com./MX"}});
  add("monitor:example.com", Stage::monitor, "example.com", Effect::mail, "fetch stragglers",
      MonitorAction{"example.com", Millis(1000), Millis(100), {"ada@example.com"}});
  add("notice-before-users:example.com", Stage::bulk, "example.com", Effect::notice,
      "tell the users", NoticeAction{"example.com", "users", "before"});
  add("report", Stage::report, "acme", Effect::read, "write the report", ReportAction{});
  plan.hash = plan::hash_of(plan);
  return plan;
}

inline Json sample_set(const std::string& type, int ttl, const std::vector<std::string>& data) {
  Json records = Json::array();
  for (const auto& item : data) records.push_back({{"rdata", item}});
  return {{"name", "example.com."}, {"type", type}, {"ttl", ttl}, {"records", records}};
}

class Filler {
 public:
  explicit Filler(store::Db& db) : db_(db) {}

  Result<void> journal(std::int64_t at, const std::string& step, const std::string& phase,
                       const Json& body) {
    const auto text = canonical_json(body);
    const auto hash = link_hash(prev_, at, step, phase, text);
    MXF_CHECK(
        db_.run("INSERT INTO journal(at, step, attempt, phase, body, prev_hash, hash) "
                "VALUES($1,$2,1,$3,$4,$5,$6)",
                at, step, phase, text, prev_, hash));
    prev_ = hash;
    return {};
  }

  Result<void> step(const std::string& id, const std::string& state, std::int64_t began,
                    std::int64_t ended, const std::string& why,
                    std::optional<std::int64_t> not_before = {}) {
    MXF_CHECK(journal(began, id, "state", {{"state", "running"}}));
    return db_.run(
        "INSERT INTO step_state(step, state, attempt, not_before, why, at) "
        "VALUES($1,$2,1,$3,$4,$5) ON CONFLICT(step) DO UPDATE SET state = "
        "excluded.state, not_before = excluded.not_before, why = excluded.why",
        id, state, not_before, why, ended);
  }

  Result<void> dns(const std::string& step, std::int64_t at, const Json& before,
                   const Json& after) {
    return db_.run(
        "INSERT INTO dns_change(zone, step, at, before, after, native_id, state) "
        "VALUES('example.com.',$1,$2,$3,$4,'c-17','done')",
        step, at, canonical_json(before), canonical_json(after));
  }

  /// Everything of a finished run.
  Result<void> fill() {
    const auto plan = sample_plan();
    constexpr auto m = kMinute;
    MXF_CHECK(db_.run("INSERT INTO plan(revision, at, hash, body) VALUES(2,$1,$2,$3)", kStart,
                      plan.hash, canonical_json(plan::to_json(plan))));
    MXF_CHECK(
        db_.run("INSERT INTO run VALUES(1,2,$1,'ferry-1','boot-1',4711,1,600,'running',$2,$3)",
                plan.hash, kStart, kStart + 66 * m));
    MXF_CHECK(step("assess", "done", kStart, kStart + m, "2 mailboxes answer"));
    MXF_CHECK(
        step("bulk:ada@example.com", "done", kStart + m, kStart + 20 * m, "12345 messages copied"));
    MXF_CHECK(step("bulk:bob@example.com", "parked", kStart + m, kStart + 2 * m, kHostile));
    MXF_CHECK(step("lower-ttl:example.com", "done", kStart + m, kStart + 2 * m,
                   "1 RRsets written and read back"));
    MXF_CHECK(step("ttl-wait:example.com", "done", kStart + 2 * m, kStart + 40 * m,
                   "waited 38 min since every server serves the lowered TTL"));
    MXF_CHECK(journal(kStart + 40 * m, "ttl-wait:example.com", "observation",
                      {{"waited_ms", 38 * m}, {"lowered", 300}, {"servers", 2}}));
    MXF_CHECK(step("approve:example.com", "done", kStart + 40 * m, kStart + 42 * m, "approved"));
    MXF_CHECK(step("canary-direct:example.com", "done", kStart + 42 * m, kStart + 43 * m,
                   "1 canaries sent and found by IMAP"));
    const Json canary = {{"to", "ada@example.com"},
                         {"mx", "mx1.new.example."},
                         {"address", "192.0.2.25"},
                         {"token", "t1"}};
    MXF_CHECK(journal(kStart + 42 * m, "canary-direct:example.com", "intent", canary));
    MXF_CHECK(observe(kStart + 42 * m, "canary-sent", "t1", canary));
    MXF_CHECK(observe(kStart + 43 * m, "canary-found", "t1", canary));
    MXF_CHECK(step("gate:example.com", "done", kStart + 43 * m, kStart + 44 * m,
                   "every mailbox is copied, fresh and verified"));
    MXF_CHECK(step("flip:example.com", "done", kStart + 44 * m, kStart + 45 * m,
                   "1 RRsets written and read back"));
    MXF_CHECK(step("converge:example.com", "done", kStart + 45 * m, kStart + 51 * m,
                   "every authoritative server and every resolver agree"));
    MXF_CHECK(step("monitor:example.com", "done", kStart + 51 * m, kStart + 66 * m,
                   "1 stragglers fetched"));
    MXF_CHECK(observe(kStart + 60 * m, "straggler", "ada@example.com", {{"messages", 3}}));
    MXF_CHECK(observe(kStart + 62 * m, "straggler", "ada@example.com", {{"messages", 1}}));
    MXF_CHECK(dns("lower-ttl:example.com", kStart + 2 * m,
                  Json::array({sample_set("MX", 86400, {"10 mx.old.example."})}),
                  Json::array({sample_set("MX", 300, {"10 mx.old.example."})})));
    const Json absent = {
        {"name", "new._domainkey.example.com."}, {"type", "TXT"}, {"absent", true}};
    Json fresh =
        sample_set("TXT", 300, {"\"v=DKIM1; k=rsa; p=MIIB" + std::string(120, 'x') + "\""});
    fresh["name"] = "new._domainkey.example.com.";
    MXF_CHECK(
        dns("names:example.com", kStart + 2 * m, Json::array({absent}), Json::array({fresh})));
    MXF_CHECK(
        dns("flip:example.com", kStart + 45 * m,
            Json::array({sample_set("MX", 300, {"10 mx.old.example."}),
                         sample_set("TXT", 300, {"\"kept\"", "\"" + std::string("<b>") + "\""})}),
            Json::array({sample_set("MX", 300, {"10 mx1.new.example.", "20 mx2.new.example."}),
                         sample_set("TXT", 300, {"\"kept\""})})));
    MXF_CHECK(db_.run("INSERT INTO zone_snapshot VALUES('example.com.',$1,'{}','abc')", kStart));
    MXF_CHECK(
        db_.run("INSERT INTO mailbox(address, state, src_messages, src_bytes, dst_messages, "
                "copied, delta_at, verified_at, verify) VALUES('ada@example.com','verified',"
                "12345,734003200,12349,12349,$1,$2,$3)",
                kStart + 43 * m, kStart + 44 * m,
                "{\"bytes\":734003200,\"checked\":12345,\"deleted_at_destination\":0,"
                "\"equal\":12345,\"findings\":0,\"pending\":0,\"refused\":0}"));
    MXF_CHECK(
        db_.run("INSERT INTO mailbox(address, state, words, src_messages) "
                "VALUES('bob@example.com','parked',$1,17)",
                "imap login: refused (" + kHostile + ")"));
    MXF_CHECK(db_.run("INSERT INTO mailbox(address, state) VALUES($1,'pending')",
                      "=cmd|' /C calc'!A0@" + kHostile));
    MXF_CHECK(finding("MB-02", "bob@example.com", "warning", "the mailbox is parked: " + kHostile,
                      "mend its password, then run the same command again", ""));
    MXF_CHECK(finding("MX-05", "example.com", "warning", "no MX today", "look",
                      "known: <i>new</i> domain"));
    MXF_CHECK(
        finding("TTL-01", "example.com", "info", "the DNS API gives no TTL below 300 s", "", ""));
    MXF_CHECK(step("notice-before-users:example.com", "done", kStart + 3 * m, kStart + 4 * m,
                   "sent to 2 recipients"));
    const Json notice = {
        {"message_id", "notice.0@example.com"}, {"taken", 2}, {"refused", 1}, {"deferred", 0}};
    MXF_CHECK(observe(kStart + 3 * m, "notice-intent", "notice-before-users:example.com", notice));
    MXF_CHECK(observe(kStart + 4 * m, "notice-sent", "notice-before-users:example.com#0", notice));
    for (const auto* host : {"mail.third.example", "mail.third.example", "printer.example.com"})
      MXF_CHECK(observe(kStart + 60 * m, "straggler-from", "ada@example.com",
                        {{"from", kHostile}, {"host", host}, {"messages", 2}}));
    MXF_CHECK(
        db_.run("INSERT INTO outbox(key, kind, at, body, state) VALUES('mail|auth:x','auth',"
                "$1,$2,'sent')",
                kStart + 2 * m,
                canonical_json({{"id", "1"},
                                {"subject", "bob@example.com"},
                                {"text", "refused " + escape_line(kHostile)},
                                {"remedy", "mend"}})));
    MXF_CHECK(db_.run("INSERT INTO pair(id, key, src, dst) VALUES(1,'ada@example.com','a','b')"));
    MXF_CHECK(db_.run("INSERT INTO folder(id, pair, src_name, dst_name) VALUES(1,1,$1,$2)",
                      store::Blob{"INBOX/" + kHostile}, store::Blob{"INBOX"}));
    MXF_CHECK(db_.run("INSERT INTO exception VALUES(1,1,4294967295,'refused','TOOBIG',$1,3)",
                      "too large " + kHostile));
    return db_.run(
        "INSERT INTO approval(plan_hash, gate, who, at, kind, reason) VALUES($1,'flip','ana',$2,"
        "'normal','board said yes')",
        plan.hash, kStart + 42 * m);
  }

  Result<void> finding(const std::string& id, const std::string& subject,
                       const std::string& severity, const std::string& text,
                       const std::string& remedy, const std::string& accepted) {
    return db_.run("INSERT INTO finding VALUES($1,$2,$3,$4,$5,$6,$7)", id, subject, severity, text,
                   remedy, accepted, kStart + kMinute);
  }

  Result<void> observe(std::int64_t at, const std::string& kind, const std::string& subject,
                       const Json& body) {
    return db_.run("INSERT INTO observation(at, kind, subject, body) VALUES($1,$2,$3,$4)", at, kind,
                   subject, canonical_json(body));
  }

 private:
  store::Db& db_;
  std::string prev_;
};

}  // namespace mxferry::report::test
