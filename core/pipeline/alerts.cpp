// SPDX-License-Identifier: Apache-2.0
#include "pipeline/alerts.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "base/log.hpp"
#include "base/sha256.hpp"

namespace mxferry::pipeline {
namespace {

constexpr auto kFirstPause = Millis(2'000);
constexpr auto kLongestPause = std::chrono::duration_cast<Millis>(std::chrono::minutes(5));
constexpr int kTriesToFinding = 3;
constexpr auto kStallLimit = std::chrono::minutes(15);  // wall time, never scaled

Result<Alert> alert_of(const OutboxRow& row, const std::string& migration) {
  constexpr const char* kWhere = "state: outbox";
  MXF_TRY(json, parse_json(row.body, kWhere));
  Alert out;
  out.kind = row.kind;
  out.migration = migration;
  out.at = row.at;
  MXF_TRY(id, json_string(json, "id", kWhere));
  MXF_TRY(subject, json_string(json, "subject", kWhere));
  MXF_TRY(text, json_string(json, "text", kWhere));
  MXF_TRY(remedy, json_string(json, "remedy", kWhere));
  out.id = std::move(id);
  out.subject = std::move(subject);
  out.text = std::move(text);
  out.remedy = std::move(remedy);
  return out;
}

}  // namespace

std::string alert_json(const Alert& alert) {
  const Json out = {{"format", "mxferry-alert/1"},
                    {"id", alert.id},
                    {"migration", escape_line(alert.migration)},
                    {"kind", alert.kind},
                    {"subject", escape_line(alert.subject)},
                    {"text", escape_line(alert.text)},
                    {"remedy", escape_line(alert.remedy)},
                    {"at", format_instant(alert.at)}};
  return canonical_json(out);
}

std::vector<std::string> alert_environment(const Alert& alert) {
  return {"MXFERRY_ALERT_ID=" + alert.id,
          "MXFERRY_ALERT_KIND=" + alert.kind,
          "MXFERRY_ALERT_MIGRATION=" + escape_line(alert.migration),
          "MXFERRY_ALERT_SUBJECT=" + escape_line(alert.subject),
          "MXFERRY_ALERT_TEXT=" + escape_line(alert.text),
          "MXFERRY_ALERT_REMEDY=" + escape_line(alert.remedy),
          "MXFERRY_ALERT_AT=" + format_instant(alert.at)};
}

Alerts::Alerts(RunStore& store, const Clock& clock, std::string migration,
               std::vector<std::unique_ptr<AlertChannel>> channels)
    : store_(store),
      clock_(clock),
      outbox_(store.state().db(), clock),
      migration_(std::move(migration)),
      channels_(std::move(channels)) {}

Result<void> Alerts::raise(const std::string& kind, const std::string& key,
                           const std::string& subject, const std::string& text,
                           const std::string& remedy) {
  const std::string id = sha256_hex(migration_ + "\n" + kind + "\n" + key).substr(0, 32);
  const Json body = {{"id", id},
                     {"subject", escape_line(subject)},
                     {"text", escape_line(text)},
                     {"remedy", escape_line(remedy)}};
  for (const auto& channel : channels_) {
    MXF_TRY(added, outbox_.add(channel->name() + "|" + kind + ":" + escape_line(key), kind,
                               canonical_json(body)));
    if (added)
      log::write(log::Level::warn, "alert",
                 {{"kind", kind}, {"subject", subject}, {"channel", channel->name()}});
  }
  return {};
}

Task<Result<void>> Alerts::deliver_one(Env& env, const OutboxRow& row) {
  const auto name = row.key.substr(0, row.key.find('|'));
  const auto channel = std::find_if(channels_.begin(), channels_.end(),
                                    [&](const auto& one) { return one->name() == name; });
  if (channel == channels_.end()) co_return Result<void>();  // no longer in the plan
  MXF_CO_TRY(alert, alert_of(row, migration_));
  const std::string step = "alert:" + name;
  const Json intent = {{"alert", alert.id}, {"kind", row.kind}, {"channel", name}};
  MXF_CO_CHECK(store_.journal(step, "intent", intent));
  MXF_CO_CHECK(outbox_.set_state(row.key, "sending"));
  crash_point("alert.intent", name);
  auto sent = co_await (*channel)->send(env, alert);
  crash_point("alert.sent", name);
  if (!sent) {
    const Json result = {{"alert", alert.id}, {"failed", escape_line(sent.error().message())}};
    MXF_CO_CHECK(store_.journal(step, "result", result));
    MXF_CO_CHECK(outbox_.set_state(row.key, "pending"));
    auto& tries = tries_[row.key];
    ++tries.count;
    const auto doubled = kFirstPause * (1 << std::min(tries.count - 1, 10));
    tries.next = clock_.boot_time() + std::min(doubled, kLongestPause);
    env.watcher.note("an alert could not be sent (" + name + "): " + sent.error().message());
    if (tries.count < kTriesToFinding) co_return Result<void>();
    Finding finding;
    finding.id = "AL-01";
    finding.subject = name;
    finding.severity = Severity::warning;
    finding.text = "an alert cannot be sent: " + sent.error().message();
    finding.remedy =
        "mend [alert] of the plan or what it names; it is tried again until it is sent";
    co_return store_.put_finding(finding);
  }
  const Json result = {{"alert", alert.id}, {"sent", true}};
  MXF_CO_CHECK(store_.journal(step, "result", result));
  MXF_CO_CHECK(outbox_.set_state(row.key, "sent"));
  tries_.erase(row.key);
  co_return store_.forget_findings("AL-01", name);
}

Task<void> Alerts::deliver(Env& env, bool all) {
  if (delivering_) co_return;
  delivering_ = true;
  const auto rows = outbox_.unsent();
  if (rows) {
    const bool again = std::any_of(rows->begin(), rows->end(),
                                   [](const OutboxRow& row) { return row.state == "sending"; });
    if (again && !told_resume_)
      env.watcher.note(
          "an alert was under way when the last run ended: it may arrive twice, with "
          "the same id");
    told_resume_ = true;
    for (const auto& row : *rows) {
      const auto known = tries_.find(row.key);
      if (!all && known != tries_.end() && clock_.boot_time() < known->second.next) continue;
      const auto done = co_await deliver_one(env, row);
      if (!done) log::write(log::Level::error, "alert", {{"why", done.error().message()}});
    }
  }
  delivering_ = false;
}

void raise_alert(Env& env, const std::string& kind, const std::string& key,
                 const std::string& subject, const std::string& text, const std::string& remedy) {
  if (env.alerts == nullptr) return;
  const auto raised = env.alerts->raise(kind, key, subject, text, remedy);
  if (!raised) log::write(log::Level::error, "alert", {{"why", raised.error().message()}});
}

void watch_for_stall(Env& env) {
  if (env.alerts == nullptr || env.copying == 0 || env.paused) return;
  const auto still = env.clock.boot_time() - env.moved_at;
  if (still < kStallLimit) return;
  // One alert for each time that everything stands still: the moment of the last byte names it.
  raise_alert(env, "stalled", env.clock.boot_id() + ":" + std::to_string(env.moved_at.count()),
              "no mail has moved for " + format_duration(still),
              std::to_string(env.copying) +
                  " mailboxes are being copied, and no byte has come for " + format_duration(still),
              "look at mxferry status and at both servers: limits, a full disk, a dead line");
}

}  // namespace mxferry::pipeline
