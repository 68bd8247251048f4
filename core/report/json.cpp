// SPDX-License-Identifier: Apache-2.0
// report.json, format "mxferry-report/1": docs/operate/report.md names every field. A field is
// added, never renamed or removed, within the format. Every string goes through escape_line.
#include <nlohmann/json.hpp>

#include "base/escape.hpp"
#include "base/json_reader.hpp"
#include "plan/assess.hpp"
#include "report/report.hpp"

namespace mxferry::report {
namespace {

Json text(const std::string& bytes) { return escape_line(bytes); }

Json texts(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const auto& item : list) out.push_back(text(item));
  return out;
}

Json time(const std::optional<Instant>& t) { return t ? Json(format_instant(*t)) : Json(); }
Json number(const std::optional<std::int64_t>& n) { return n ? Json(*n) : Json(); }

Json side(const Side& s) { return {{"messages", number(s.messages)}, {"bytes", number(s.bytes)}}; }

Json rrset(const std::optional<ZoneRRset>& set) {
  if (!set) return Json();
  Json data = Json::array();
  for (const auto& record : set->records) data.push_back(text(record.rdata));
  return {{"ttl", set->ttl}, {"data", data}};
}

Json mailbox(const MailboxLine& box) {
  Json out = {{"address", text(box.address)},
              {"state", text(box.state)},
              {"words", text(box.words)},
              {"remedy", text(box.remedy)},
              {"source", side(box.source)},
              {"destination", side(box.destination)},
              {"copied", box.copied},
              {"stragglers", box.stragglers},
              {"last_straggler", time(box.straggler_at)},
              {"last_delta", time(box.delta_at)},
              {"verified", time(box.verified_at)},
              {"verify", Json()},
              {"inventory", box.inventory ? plan::to_json(*box.inventory) : Json()}};
  if (box.verify) {
    const auto& v = *box.verify;
    out["verify"] = {{"checked", v.checked},   {"equal", v.equal},
                     {"pending", v.pending},   {"refused", v.refused},
                     {"findings", v.findings}, {"deleted_at_destination", v.deleted_at_destination},
                     {"bytes", v.bytes}};
  }
  return out;
}

// A body of the journal: our own JSON, but strings in it may be a server's words.
Json escaped(const Json& value) {
  if (value.is_string()) return text(value.get<std::string>());
  Json out = value;
  if (value.is_array() || value.is_object())
    for (auto& item : out) item = escaped(item);
  return out;
}

Json body(const std::string& json_text) {
  if (json_text.empty()) return Json();
  auto parsed = parse_json(json_text, "state");
  return parsed ? escaped(*parsed) : text(json_text);
}

Json step_json(const StepLine& step) {
  return {{"step", text(step.id)},
          {"stage", to_string(step.stage)},
          {"subject", text(step.subject)},
          {"title", text(step.title)},
          {"state", to_string(step.status)},
          {"why", text(step.why)},
          {"attempt", step.attempt},
          {"began", time(step.began)},
          {"at", time(step.at)},
          {"not_before", time(step.not_before)}};
}

}  // namespace

std::string to_json(const Data& data) {
  Json out = {{"format", "mxferry-report/1"},
              {"migration", text(data.migration)},
              {"outcome", to_string(data.outcome)},
              {"outcome_text", sentence(data.outcome)},
              {"open_findings", data.open_findings()},
              {"plan", {{"hash", text(data.plan_hash)}, {"revision", data.revision}}},
              {"run",
               {{"state", text(data.run_state)},
                {"host", text(data.host)},
                {"time_scale", data.scale},
                {"started", time(data.started)},
                {"ended", time(data.ended)},
                {"heartbeat", time(data.heartbeat)}}},
              {"estimate", data.estimate ? Json({{"least_ms", data.estimate->least.count()},
                                                 {"most_ms", data.estimate->most.count()},
                                                 {"basis", text(data.estimate->basis)},
                                                 {"at", format_instant(data.estimate->at)}})
                                         : Json()},
              {"not_moved", texts(data.not_moved)},
              {"journal",
               {{"records", data.journal_records},
                {"intact", !data.journal_broken_at},
                {"broken_at", number(data.journal_broken_at)}}},
              {"problems", texts(data.problems)}};
  Json policy = Json::object();
  for (const auto& [key, value] : data.policy) policy[escape_line(key)] = text(value);
  out["plan"]["policy"] = policy;
  for (const char* list :
       {"domains", "mailboxes", "exceptions", "findings", "dns_changes", "gates", "canaries",
        "stragglers", "notices", "alerts", "approvals", "zone_snapshots", "observations", "steps"})
    out[list] = Json::array();
  for (const auto& d : data.domains)
    out["domains"].push_back({{"name", text(d.name)},
                              {"zone", text(d.zone)},
                              {"mx_before", texts(d.mx_before)},
                              {"mx_after", texts(d.mx_after)},
                              {"spf_before", text(d.spf_before)},
                              {"spf_after", text(d.spf_after)},
                              {"flipped", time(d.flipped)},
                              {"rolled_back", time(d.rolled_back)},
                              {"stranded", number(d.stranded)}});
  for (const auto& box : data.mailboxes) out["mailboxes"].push_back(mailbox(box));
  for (const auto& e : data.exceptions)
    out["exceptions"].push_back({{"mailbox", text(e.mailbox)},
                                 {"folder", text(e.folder)},
                                 {"source_uid", e.src_uid},
                                 {"class", text(e.kind)},
                                 {"code", text(e.code)},
                                 {"words", text(e.words)},
                                 {"tries", e.tries}});
  for (const auto& line : data.findings)
    out["findings"].push_back({{"id", text(line.finding.id)},
                               {"subject", text(line.finding.subject)},
                               {"severity", to_string(line.finding.severity)},
                               {"text", text(line.finding.text)},
                               {"remedy", text(line.finding.remedy)},
                               {"accepted", text(line.finding.accepted)},
                               {"at", format_instant(line.at)}});
  for (const auto& write : data.dns) {
    Json sets = Json::array();
    for (const auto& change : write.changes) {
      const auto& any = change.after ? *change.after : *change.before;
      sets.push_back({{"name", text(any.name)},
                      {"type", text(any.type)},
                      {"before", rrset(change.before)},
                      {"after", rrset(change.after)}});
    }
    out["dns_changes"].push_back({{"zone", text(write.zone)},
                                  {"step", text(write.step)},
                                  {"state", text(write.state)},
                                  {"native_id", text(write.native_id)},
                                  {"at", format_instant(write.at)},
                                  {"rrsets", sets}});
  }
  for (const auto& gate : data.gates) {
    Json item = step_json(gate.step);
    item["kind"] = gate.kind;
    item["proof"] = body(gate.proof);
    out["gates"].push_back(std::move(item));
  }
  for (const auto& c : data.canaries)
    out["canaries"].push_back({{"step", text(c.step)},
                               {"to", text(c.to)},
                               {"mx", text(c.mx)},
                               {"address", text(c.address)},
                               {"sent", time(c.sent)},
                               {"found", time(c.found)}});
  for (const auto& line : data.stragglers)
    out["stragglers"].push_back({{"mailbox", text(line.mailbox)},
                                 {"from", text(line.from)},
                                 {"host", text(line.host)},
                                 {"messages", line.messages},
                                 {"last", format_instant(line.last)}});
  for (const auto& line : data.notices)
    out["notices"].push_back({{"step", text(line.step)},
                              {"audience", text(line.audience)},
                              {"when", text(line.when)},
                              {"state", text(line.state)},
                              {"message_id", text(line.message_id)},
                              {"taken", line.taken},
                              {"refused", line.refused},
                              {"first_tried", time(line.first_tried)},
                              {"sent", time(line.sent)}});
  for (const auto& line : data.alerts)
    out["alerts"].push_back({{"channel", text(line.channel)},
                             {"kind", text(line.kind)},
                             {"subject", text(line.subject)},
                             {"text", text(line.text)},
                             {"state", text(line.state)},
                             {"at", format_instant(line.at)}});
  for (const auto& a : data.approvals)
    out["approvals"].push_back({{"gate", text(a.gate)},
                                {"who", text(a.who)},
                                {"kind", text(a.kind)},
                                {"reason", text(a.reason)},
                                {"plan", text(a.plan_hash)},
                                {"at", format_instant(a.at)},
                                {"expires", time(a.expires)}});
  for (const auto& s : data.snapshots)
    out["zone_snapshots"].push_back(
        {{"zone", text(s.zone)}, {"hash", text(s.hash)}, {"at", format_instant(s.at)}});
  for (const auto& o : data.observations)
    out["observations"].push_back({{"kind", text(o.kind)},
                                   {"subject", text(o.subject)},
                                   {"body", body(o.body)},
                                   {"at", format_instant(o.at)}});
  for (const auto& step : data.steps) out["steps"].push_back(step_json(step));
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mxferry::report
