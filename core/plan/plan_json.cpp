// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_json.hpp"

#include <nlohmann/json.hpp>

#include "base/sha256.hpp"

namespace mxferry::plan {
namespace {

template <class... Fs>
struct Overload : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overload(Fs...) -> Overload<Fs...>;

std::string kind_name(DnsEdit::Kind kind) {
  switch (kind) {
    case DnsEdit::Kind::set:
      return "set";
    case DnsEdit::Kind::string:
      return "string";
    case DnsEdit::Kind::ttl:
      return "ttl";
  }
  return "set";
}

Json edits_json(const std::vector<DnsEdit>& edits) {
  Json out = Json::array();
  for (const auto& edit : edits) out.push_back(to_json(edit));
  return out;
}

Json action_json(const Action& action) {
  return std::visit(
      Overload{
          [](const InventoryAction&) {
            return Json{{"do", "inventory"}};
          },
          [](const DnsChangeAction& a) {
            return Json{{"do", "dns"}, {"zone", a.zone}, {"edits", edits_json(a.edits)}};
          },
          [](const ProvisionAction& a) {
            return Json{{"do", "provision"}, {"address", a.address}};
          },
          [](const CopyAction& a) {
            return Json{{"do", "copy"}, {"kind", to_string(a.kind)}, {"address", a.address}};
          },
          [](const VerifyAction& a) {
            return Json{{"do", "verify"}, {"address", a.address}};
          },
          [](const WaitAction& a) {
            return Json{
                {"do", "wait"}, {"what", a.what}, {"ms", a.duration.count()}, {"since", a.since}};
          },
          [](const TtlWaitAction& a) {
            return Json{{"do", "ttl-wait"}, {"zone", a.zone}, {"sets", a.sets}};
          },
          [](const VisibleAction& a) {
            return Json{{"do", "visible"}, {"zone", a.zone}, {"steps", a.steps}};
          },
          [](const CanaryAction& a) {
            return Json{{"do", "canary"}, {"domain", a.domain}, {"path", a.path}};
          },
          [](const ConvergeAction& a) {
            return Json{
                {"do", "converge"}, {"domain", a.domain}, {"zone", a.zone}, {"sets", a.sets}};
          },
          [](const MonitorAction& a) {
            return Json{{"do", "monitor"},
                        {"domain", a.domain},
                        {"ms", a.duration.count()},
                        {"every_ms", a.every.count()},
                        {"addresses", a.addresses}};
          },
          [](const ApproveAction& a) {
            return Json{{"do", "approve"}, {"gate", a.gate}, {"approvals", a.approvals}};
          },
          [](const GateAction& a) {
            return Json{{"do", "gate"}, {"gate", a.gate}, {"domain", a.domain}};
          },
          [](const ManualAction& a) {
            return Json{
                {"do", "manual"}, {"check", a.check}, {"domain", a.domain}, {"text", a.text}};
          },
          [](const NoticeAction& a) {
            return Json{
                {"do", "notice"}, {"domain", a.domain}, {"audience", a.audience}, {"when", a.when}};
          },
          [](const ReportAction&) {
            return Json{{"do", "report"}};
          },
      },
      action);
}

Result<std::vector<DnsEdit>> edits_from(const Json& json, std::string_view where) {
  std::vector<DnsEdit> out;
  if (!json.is_array())
    return fail(ErrorCode::protocol, std::string(where), "edits: expected an array");
  for (const auto& item : json) {
    MXF_TRY(edit, edit_from_json(item, where));
    out.push_back(std::move(edit));
  }
  return out;
}

const Json& member(const Json& json, const char* key) {
  static const Json kNull;
  const auto it = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && it != json.end() ? *it : kNull;
}

Result<Action> action_from(const Json& json, std::string_view where) {
  MXF_TRY(verb, json_string(json, "do", where));
  if (verb == "inventory") return Action(InventoryAction{});
  if (verb == "report") return Action(ReportAction{});
  if (verb == "dns") {
    MXF_TRY(zone, json_string(json, "zone", where));
    MXF_TRY(edits, edits_from(member(json, "edits"), where));
    return Action(DnsChangeAction{zone, edits});
  }
  if (verb == "provision" || verb == "copy" || verb == "verify") {
    MXF_TRY(address, json_string(json, "address", where));
    if (verb == "provision") return Action(ProvisionAction{address});
    if (verb == "verify") return Action(VerifyAction{address});
    MXF_TRY(kind, json_string(json, "kind", where));
    for (const auto value : {CopyKind::bulk, CopyKind::deltas, CopyKind::last, CopyKind::straggler})
      if (to_string(value) == kind) return Action(CopyAction{value, address});
    return fail(ErrorCode::protocol, std::string(where), "copy: unknown kind");
  }
  if (verb == "wait") {
    MXF_TRY(what, json_string(json, "what", where));
    MXF_TRY(ms, json_int(json, "ms", where));
    MXF_TRY(since, json_string(json, "since", where));
    return Action(WaitAction{what, Millis(ms), since});
  }
  if (verb == "ttl-wait") {
    MXF_TRY(zone, json_string(json, "zone", where));
    MXF_TRY(sets, json_strings(json, "sets", where));
    return Action(TtlWaitAction{zone, sets});
  }
  if (verb == "visible") {
    MXF_TRY(zone, json_string(json, "zone", where));
    MXF_TRY(steps, json_strings(json, "steps", where));
    return Action(VisibleAction{zone, steps});
  }
  if (verb == "canary") {
    MXF_TRY(domain, json_string(json, "domain", where));
    MXF_TRY(path, json_string(json, "path", where));
    return Action(CanaryAction{domain, path});
  }
  if (verb == "converge") {
    MXF_TRY(domain, json_string(json, "domain", where));
    MXF_TRY(zone, json_string(json, "zone", where));
    MXF_TRY(sets, json_strings(json, "sets", where));
    return Action(ConvergeAction{domain, zone, sets});
  }
  if (verb == "monitor") {
    MXF_TRY(domain, json_string(json, "domain", where));
    MXF_TRY(ms, json_int(json, "ms", where));
    MXF_TRY(every, json_int(json, "every_ms", where));
    MXF_TRY(addresses, json_strings(json, "addresses", where));
    return Action(MonitorAction{domain, Millis(ms), Millis(every), addresses});
  }
  if (verb == "approve") {
    MXF_TRY(gate, json_string(json, "gate", where));
    MXF_TRY(approvals, json_int(json, "approvals", where));
    return Action(ApproveAction{gate, static_cast<int>(approvals)});
  }
  if (verb == "gate") {
    MXF_TRY(gate, json_string(json, "gate", where));
    MXF_TRY(domain, json_string(json, "domain", where));
    return Action(GateAction{gate, domain});
  }
  if (verb == "manual") {
    MXF_TRY(check, json_string(json, "check", where));
    MXF_TRY(domain, json_string(json, "domain", where));
    MXF_TRY(text, json_string(json, "text", where));
    return Action(ManualAction{check, domain, text});
  }
  if (verb == "notice") {
    MXF_TRY(domain, json_string(json, "domain", where));
    MXF_TRY(audience, json_string(json, "audience", where));
    MXF_TRY(when, json_string(json, "when", where));
    return Action(NoticeAction{domain, audience, when});
  }
  return fail(ErrorCode::protocol, std::string(where), "unknown action \"" + verb + "\"");
}

template <class Enum>
Result<Enum> enum_from(const Json& json, const char* key, int count, std::string_view where) {
  MXF_TRY(text, json_string(json, key, where));
  for (int i = 0; i < count; ++i)
    if (to_string(static_cast<Enum>(i)) == text) return static_cast<Enum>(i);
  return fail(ErrorCode::protocol, std::string(where),
              std::string(key) + ": unknown value \"" + text + "\"");
}

Result<std::map<std::string, std::string>> texts_from(const Json& json, std::string_view where) {
  std::map<std::string, std::string> out;
  if (!json.is_object())
    return fail(ErrorCode::protocol, std::string(where), "expected an object of strings");
  for (const auto& [key, value] : json.items()) {
    MXF_TRY(text, json_string(json, key, where));
    out[key] = text;
  }
  return out;
}

Json body_json(const Plan& plan) {
  Json out = {{"format", "mxferry-plan/1"}, {"id", plan.id},         {"revision", plan.revision},
              {"inputs", plan.inputs},      {"policy", plan.policy}, {"not_moved", plan.not_moved}};
  out["domains"] = Json::array();
  for (const auto& d : plan.domains) {
    out["domains"].push_back({{"name", d.name},
                              {"zone", d.zone},
                              {"mx_before", d.mx_before},
                              {"mx_after", d.mx_after},
                              {"spf_before", d.spf_before},
                              {"spf_overlap", d.spf_overlap},
                              {"spf_after", d.spf_after},
                              {"sts_before", d.sts_before},
                              {"sts_overlap", d.sts_overlap},
                              {"sts_after", d.sts_after},
                              {"ttl_before", d.ttl_before},
                              {"flip", edits_json(d.flip)},
                              {"unflip", edits_json(d.unflip)}});
  }
  out["steps"] = Json::array();
  for (const auto& s : plan.steps) {
    out["steps"].push_back({{"id", s.id},
                            {"stage", to_string(s.stage)},
                            {"subject", s.subject},
                            {"after", s.after},
                            {"effect", to_string(s.effect)},
                            {"on_fail", to_string(s.on_fail)},
                            {"title", s.title},
                            {"action", action_json(s.action)}});
  }
  return out;
}

}  // namespace

Json to_json(const DnsEdit& edit) {
  Json out = {{"kind", kind_name(edit.kind)},
              {"name", edit.name},
              {"type", edit.type},
              {"before", edit.before},
              {"after", edit.after}};
  if (edit.ttl) out["ttl"] = *edit.ttl;
  return out;
}

Result<DnsEdit> edit_from_json(const Json& json, std::string_view where) {
  DnsEdit edit;
  MXF_TRY(kind, json_string(json, "kind", where));
  if (kind == "string")
    edit.kind = DnsEdit::Kind::string;
  else if (kind == "ttl")
    edit.kind = DnsEdit::Kind::ttl;
  else if (kind != "set")
    return fail(ErrorCode::protocol, std::string(where), "edit: unknown kind");
  MXF_TRY(name, json_string(json, "name", where));
  MXF_TRY(type, json_string(json, "type", where));
  MXF_TRY(before, json_strings(json, "before", where));
  MXF_TRY(after, json_strings(json, "after", where));
  MXF_TRY(ttl, json_int_or(json, "ttl", -1, where));
  edit.name = name;
  edit.type = type;
  edit.before = before;
  edit.after = after;
  if (ttl >= 0) edit.ttl = static_cast<std::uint32_t>(ttl);
  return edit;
}

Json to_json(const ZoneRRset& set) {
  Json records = Json::array();
  for (const auto& record : set.records) {
    Json item = {{"rdata", record.rdata}};
    if (!record.id.empty()) item["id"] = record.id;
    if (!record.extra.empty()) item["extra"] = record.extra;
    records.push_back(std::move(item));
  }
  return {{"name", set.name}, {"type", set.type}, {"ttl", set.ttl}, {"records", records}};
}

Result<ZoneRRset> rrset_from_json(const Json& json, std::string_view where) {
  ZoneRRset set;
  MXF_TRY(name, json_string(json, "name", where));
  MXF_TRY(type, json_string(json, "type", where));
  MXF_TRY(ttl, json_int(json, "ttl", where));
  if (ttl < 0 || ttl > 0x7fffffff)
    return fail(ErrorCode::protocol, std::string(where), "ttl: out of range");
  set.name = name;
  set.type = type;
  set.ttl = static_cast<std::uint32_t>(ttl);
  const Json& records = member(json, "records");
  if (!records.is_array())
    return fail(ErrorCode::protocol, std::string(where), "records: expected an array");
  for (const auto& item : records) {
    ZoneRecord record;
    MXF_TRY(rdata, json_string(item, "rdata", where));
    MXF_TRY(id, json_string_or(item, "id", "", where));
    MXF_TRY(extra, json_string_or(item, "extra", "", where));
    record.rdata = rdata;
    record.id = id;
    record.extra = extra;
    set.records.push_back(std::move(record));
  }
  return set;
}

Json to_json(const ZoneSnapshot& snapshot) {
  Json sets = Json::array();
  for (const auto& set : snapshot.rrsets) sets.push_back(to_json(set));
  return {{"format", "mxferry-zone/1"}, {"zone", snapshot.zone}, {"rrsets", sets}};
}

Result<ZoneSnapshot> snapshot_from_json(std::string_view text, std::string_view where) {
  MXF_TRY(json, parse_json(text, where));
  MXF_TRY(format, json_string(json, "format", where));
  if (format != "mxferry-zone/1")
    return fail(ErrorCode::protocol, std::string(where), "not a zone snapshot of mxferry");
  ZoneSnapshot out;
  MXF_TRY(zone, json_string(json, "zone", where));
  out.zone = zone;
  const Json& sets = member(json, "rrsets");
  if (!sets.is_array())
    return fail(ErrorCode::protocol, std::string(where), "rrsets: expected an array");
  for (const auto& item : sets) {
    MXF_TRY(set, rrset_from_json(item, where));
    out.rrsets.push_back(std::move(set));
  }
  return out;
}

std::string hash_of(const Plan& plan) { return sha256_hex(canonical_json(body_json(plan))); }

Json to_json(const Plan& plan) {
  Json out = body_json(plan);
  out["hash"] = plan.hash;
  return out;
}

Result<Plan> from_json(std::string_view text, std::string_view where) {
  MXF_TRY(json, parse_json(text, where));
  MXF_TRY(format, json_string(json, "format", where));
  if (format != "mxferry-plan/1")
    return fail(ErrorCode::protocol, std::string(where),
                "not a plan of this version (format " + format + ")");
  Plan plan;
  MXF_TRY(id, json_string(json, "id", where));
  MXF_TRY(revision, json_int(json, "revision", where));
  MXF_TRY(inputs, texts_from(member(json, "inputs"), where));
  MXF_TRY(policy, texts_from(member(json, "policy"), where));
  MXF_TRY(not_moved, json_strings(json, "not_moved", where));
  plan.id = id;
  plan.revision = static_cast<int>(revision);
  plan.inputs = inputs;
  plan.policy = policy;
  plan.not_moved = not_moved;
  for (const auto& item : member(json, "domains")) {
    DomainPlan d;
    MXF_TRY(name, json_string(item, "name", where));
    MXF_TRY(zone, json_string(item, "zone", where));
    MXF_TRY(mx_before, json_strings(item, "mx_before", where));
    MXF_TRY(mx_after, json_strings(item, "mx_after", where));
    MXF_TRY(spf_before, json_string(item, "spf_before", where));
    MXF_TRY(spf_overlap, json_string(item, "spf_overlap", where));
    MXF_TRY(spf_after, json_string(item, "spf_after", where));
    MXF_TRY(sts_before, json_string(item, "sts_before", where));
    MXF_TRY(sts_overlap, json_string(item, "sts_overlap", where));
    MXF_TRY(sts_after, json_string(item, "sts_after", where));
    MXF_TRY(flip, edits_from(member(item, "flip"), where));
    MXF_TRY(unflip, edits_from(member(item, "unflip"), where));
    d.name = name;
    d.zone = zone;
    d.mx_before = mx_before;
    d.mx_after = mx_after;
    d.spf_before = spf_before;
    d.spf_overlap = spf_overlap;
    d.spf_after = spf_after;
    d.sts_before = sts_before;
    d.sts_overlap = sts_overlap;
    d.sts_after = sts_after;
    d.flip = flip;
    d.unflip = unflip;
    const Json& ttls = member(item, "ttl_before");
    if (!ttls.is_object())
      return fail(ErrorCode::protocol, std::string(where), "ttl_before: expected an object");
    for (const auto& [key, value] : ttls.items()) {
      MXF_TRY(ttl, json_int(ttls, key, where));
      d.ttl_before[key] = static_cast<std::uint32_t>(ttl);
    }
    plan.domains.push_back(std::move(d));
  }
  for (const auto& item : member(json, "steps")) {
    Step step;
    MXF_TRY(step_id, json_string(item, "id", where));
    MXF_TRY(stage, enum_from<Stage>(item, "stage", 14, where));
    MXF_TRY(subject, json_string(item, "subject", where));
    MXF_TRY(after, json_strings(item, "after", where));
    MXF_TRY(effect, enum_from<Effect>(item, "effect", 6, where));
    MXF_TRY(on_fail, enum_from<OnFail>(item, "on_fail", 4, where));
    MXF_TRY(title, json_string(item, "title", where));
    MXF_TRY(action, action_from(member(item, "action"), where));
    step.id = step_id;
    step.stage = stage;
    step.subject = subject;
    step.after = after;
    step.effect = effect;
    step.on_fail = on_fail;
    step.title = title;
    step.action = action;
    plan.steps.push_back(std::move(step));
  }
  MXF_TRY(hash, json_string(json, "hash", where));
  plan.hash = hash;
  if (hash_of(plan) != hash)
    return fail(ErrorCode::config, std::string(where),
                "the plan was changed after it was made: its hash does not fit");
  return plan;
}

}  // namespace mxferry::plan
