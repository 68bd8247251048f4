// SPDX-License-Identifier: Apache-2.0
#include "pipeline/transport_steps.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "model/finding_catalog.hpp"
#include "pipeline/alerts.hpp"
#include "plan/compute_sts.hpp"
#include "protocol/dns/mta_sts.hpp"
#include "protocol/dns/rdata.hpp"
#include "protocol/dns/zone_diff.hpp"

namespace mxferry::pipeline {
namespace {

constexpr auto kFirstLook = Millis(5'000);
constexpr auto kLook = Millis(60'000);

// The order of hosts says nothing.
bool is_same_policy(const std::string& a, const std::string& b) {
  auto left = dns::parse_sts_policy(a);
  auto right = dns::parse_sts_policy(b);
  if (!left || !right) return false;
  std::sort(left->mx.begin(), left->mx.end());
  std::sort(right->mx.begin(), right->mx.end());
  return *left == *right;
}

std::string without_dot(std::string name) {
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

Task<Result<std::string>> served_policy(Env& env, std::string domain) {
  if (!env.read_policy) co_return fail(ErrorCode::internal, "MTA-STS policy", "nothing reads it");
  auto work = [read = env.read_policy, domain, stop = env.stop] { return read(domain, stop); };
  co_return co_await on_worker(env, std::move(work));
}

std::vector<std::string> new_hosts(const DomainPlan& domain) {
  std::vector<std::string> out;
  for (const auto& rdata : domain.mx_after)
    if (const auto mx = dns::parse_mx(rdata)) out.push_back(mx->exchange);
  return out;
}

// One fact that stands against the flip.
struct Against {
  std::string id;
  std::string why;
  std::string remedy;
};

// The policy lists every new host, and the id that the plan gave it is what every server serves.
Task<Result<std::optional<Against>>> against_policy(Env& env, const DomainPlan& domain) {
  const std::string url = plan::sts_policy_url(domain.name);
  const std::string remedy =
      "serve the file that is shown above (mxferry plan shows it too) at " + url;
  const auto against = [&](std::string why) {
    return std::optional(Against{"ST-04", std::move(why), remedy});
  };
  const auto served = co_await served_policy(env, domain.name);
  if (!served)
    co_return against("the MTA-STS policy could not be read: " + served.error().message());
  const auto policy = dns::parse_sts_policy(*served);
  if (!policy) co_return against("the MTA-STS policy is malformed: " + policy.error().text);
  if (policy->mode != dns::StsMode::none)
    for (const auto& host : new_hosts(domain))
      if (!dns::sts_lists(*policy, host))
        co_return against("the MTA-STS policy at " + url + " does not list " + without_dot(host) +
                          ": senders would refuse it");
  const auto* id_step = env.plan.find("sts-id:" + domain.name);
  const auto* change =
      id_step == nullptr ? nullptr : std::get_if<DnsChangeAction>(&id_step->action);
  if (change == nullptr || change->edits.empty()) co_return std::optional<Against>();
  const auto& edit = change->edits.front();
  dns::Question question;
  question.name = edit.name;
  question.type = edit.type;
  auto* eyes = &env.eyes;
  auto work = [eyes, zone = domain.zone, question, stop = env.stop]() -> Result<dns::Round> {
    MXF_TRY(delegation, eyes->delegation(zone, stop));
    return eyes->round(delegation, {question}, stop);
  };
  const auto round = co_await on_worker(env, std::move(work));
  if (!round) co_return fail(round.error());
  for (const auto& view : round->views) {
    if (view.seen.kind == dns::Seen::Kind::unknown)
      co_return std::optional(Against{"ST-04",
                                      view.server +
                                          " does not say which MTA-STS id it "
                                          "serves: " +
                                          view.seen.why,
                                      "wait until it answers, and run the same command again"});
    const bool there =
        std::any_of(view.seen.rdata.begin(), view.seen.rdata.end(), [&](const std::string& rdata) {
          return dns::same_set("TXT", {rdata}, {edit.after.front()});
        });
    if (!there)
      co_return std::optional(Against{"ST-04",
                                      view.server +
                                          " serves another MTA-STS id than the "
                                          "plan's: senders may not have fetched the new policy",
                                      "find out who changed " + edit.name + ", put " +
                                          edit.after.front() + " back, and wait again"});
  }
  co_return std::optional<Against>();
}

struct Tlsa {
  std::vector<std::string> records{};  // secure ones
  std::string problem{};               // why it is not known
  std::string note = "none";           // for the journal
};

// RFC 7672 §2.1: TLSA counts if the answer is secure; one that fails makes senders wait.
Task<Result<Tlsa>> tlsa_of(Env& env, std::string host) {
  auto* eyes = &env.eyes;
  dns::Question question;
  question.name = "_25._tcp." + host;
  question.type = "TLSA";
  // Authorities first: no question of ours may plant a negative answer.
  auto look = [eyes, question, stop = env.stop] { return eyes->lookup(question, stop); };
  const auto seen = co_await on_worker(env, std::move(look));
  Tlsa out;
  if (!seen) {
    out.problem = "its TLSA records cannot be read: " + seen.error().text;
    co_return out;
  }
  if (seen->kind != dns::Seen::Kind::present) co_return out;
  auto ask = [eyes, question, stop = env.stop] { return eyes->ask_resolvers(question, stop); };
  const auto answers = co_await on_worker(env, std::move(ask));
  out.note = "not secure for any resolver of the plan: not used";
  for (const auto& answer : answers) {
    if (answer.seen.kind == dns::Seen::Kind::unknown)
      out.problem = "resolver " + answer.name + " gives no answer for its TLSA records (" +
                    answer.seen.why + "): senders that look for them would wait";
    if (answer.seen.kind != dns::Seen::Kind::present || !answer.seen.authentic) continue;
    out.records = answer.seen.rdata;
    out.note = "secure by " + answer.name;
  }
  co_return out;
}

Task<Result<std::vector<Against>>> against_host(Env& env, std::string host, bool enforced,
                                                Json& facts) {
  std::vector<Against> out;
  const std::string name = without_dot(host);
  auto* eyes = &env.eyes;
  auto walk = [eyes, host, stop = env.stop] { return eyes->addresses(host, stop); };
  MXF_CO_TRY(addresses, co_await on_worker(env, std::move(walk)));
  if (addresses.empty()) out.push_back({"MX-03", name + " has no address", "mend its records"});
  MXF_CO_TRY(tlsa, co_await tlsa_of(env, host));
  if (!tlsa.problem.empty())
    out.push_back({"DA-01:" + name, name + ": " + tlsa.problem,
                   "ask the new provider; run the same command again once it answers"});
  facts["tlsa"] = tlsa.note;
  const std::vector<std::string> none;
  for (const auto& address : addresses) {
    const std::string where = name + " (" + address + ")";
    const auto seen = co_await env.canary.look_at_tls(host, address, none);
    if (!seen) {
      out.push_back({"TL-01:" + name, where + ": its TLS is not known: " + seen.error().message(),
                     "run the same command again once it answers"});
      continue;
    }
    facts["addresses"].push_back({{"address", address},
                                  {"starttls", seen->starttls},
                                  {"pkix", seen->problem.empty() ? "proven" : seen->problem}});
    if (!seen->starttls) {
      out.push_back({"TL-01:" + name, where + " offers no STARTTLS", "ask the new provider"});
      continue;
    }
    if (enforced && !seen->problem.empty())
      out.push_back({"ST-07:" + name,
                     where + " is not proven for its name, which the MTA-STS policy demands: " +
                         seen->problem,
                     "the new provider must mend the certificate; a private CA of a lab is named "
                     "with [mta_sts] ca_file"});
    if (tlsa.records.empty()) continue;
    const auto dane = co_await env.canary.look_at_tls(host, address, tlsa.records);
    if (!dane || !dane->problem.empty())
      out.push_back({"DA-01:" + name,
                     where + " does not match its TLSA records: " +
                         (dane ? dane->problem : dane.error().message()),
                     "the new provider must mend TLSA or certificate"});
  }
  co_return out;
}

}  // namespace

void show_policy(Env& env, const std::string& domain, const std::string& text) {
  env.watcher.note("serve this file at " + plan::sts_policy_url(domain) + " (text/plain):");
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    env.watcher.note("    " + line);
  }
}

Result<bool> waived(Env& env, const std::string& step, const Finding& finding) {
  const auto* entry = find_finding(finding.id);
  if (entry != nullptr && !entry->waivable) return false;
  const auto accept = std::find_if(env.file.accept.begin(), env.file.accept.end(),
                                   [&](const config::Accept& a) { return a.id == finding.id; });
  if (accept == env.file.accept.end()) return false;
  MXF_TRY(known, env.store.observations("waiver", finding.id));
  if (!known.empty()) return true;
  const Json body = {{"id", finding.id}, {"reason", accept->reason}, {"why", finding.text}};
  MXF_CHECK(env.store.observe("waiver", finding.id, body));
  MXF_CHECK(env.store.journal(step, "waiver", body));
  Finding kept = finding;
  kept.severity = Severity::warning;
  kept.accepted = accept->reason;
  MXF_CHECK(env.store.put_finding(kept));
  return true;
}

Task<StepEnd> manual_step(Env& env, const Step& step, const ManualAction& action) {
  if (action.check != "mta-sts-policy")
    co_return StepEnd::held("RN-05: this version does not know how to see \"" + action.check + "\"",
                            "use the version that made the plan");
  const std::string url = plan::sts_policy_url(action.domain);
  const std::string how =
      "serve the policy of step " + step.id + " at " + url + "; mxferry plan shows it too";
  bool shown = false;
  for (auto pause = kFirstLook;; pause = std::min(pause * 2, kLook)) {
    const auto served = co_await served_policy(env, action.domain);
    if (env.stop.stop_requested()) co_return StepEnd::stopped();
    if (served && is_same_policy(*served, action.text)) {
      const Json body = {{"url", url}, {"policy", *served}};
      if (auto noted = env.store.journal(step.id, "observation", body); !noted)
        co_return StepEnd::failed(noted.error());
      co_return StepEnd::done("every address of the policy host serves it");
    }
    const std::string why = "ST-06: waits for a person: " +
                            (served ? url + " does not serve the policy of this step yet"
                                    : "the policy cannot be read: " + served.error().message());
    if (auto written = env.store.set_step(step.id, StepStatus::waiting, why + "; " + how); !written)
      co_return StepEnd::failed(written.error());
    if (!shown) {
      show_policy(env, action.domain, action.text);
      env.watcher.step(step, StepStatus::waiting, why + "; " + how);
      raise_alert(env, "gate", step.id, step.id, why, how);
      shown = true;
    }
    if (env.no_wait) co_return StepEnd::person(why, how);
    if (!co_await nap(env, pause)) co_return StepEnd::stopped();
  }
}

namespace {

// One look at everything.
Task<StepEnd> look_at_transport(Env& env, const Step& step, const GateAction& action) {
  const auto* domain = env.domain(action.domain);
  if (domain == nullptr)
    co_return StepEnd::held("RN-05: the plan has no domain " + action.domain, "");
  std::vector<Against> all;
  Json facts = Json::object();
  bool enforced = false;
  if (!domain->sts_overlap.empty()) {
    const auto policy = dns::parse_sts_policy(domain->sts_overlap);
    enforced = policy && policy->mode == dns::StsMode::enforce;
    const auto against = co_await against_policy(env, *domain);
    if (!against)
      co_return StepEnd::held("ST-04: " + against.error().message(),
                              "run the same command again once name servers answer");
    if (*against) all.push_back(**against);
  }
  for (const auto& host : new_hosts(*domain)) {
    Json one = {{"host", host}, {"addresses", Json::array()}};
    const auto against = co_await against_host(env, host, enforced, one);
    if (!against)
      co_return StepEnd::held("TL-01:" + without_dot(host) + ": " + against.error().message(),
                              "run the same command again once it answers");
    all.insert(all.end(), against->begin(), against->end());
    facts[host] = std::move(one);
  }
  if (env.stop.stop_requested()) co_return StepEnd::stopped();
  for (const auto& one : all) {
    Finding finding;
    finding.id = one.id;
    finding.subject = action.domain;
    finding.text = one.why;
    finding.remedy = one.remedy;
    const auto is_waived = waived(env, step.id, finding);
    if (!is_waived) co_return StepEnd::failed(is_waived.error());
    if (*is_waived) continue;
    const auto* entry = find_finding(one.id);
    const bool can_be = entry == nullptr || entry->waivable;
    co_return StepEnd::held(
        one.id.substr(0, one.id.find(':')) + ": " + one.why,
        one.remedy + (can_be ? "; or accept \"" + one.id + "\" with a reason in the plan"
                             : "; it cannot be accepted"));
  }
  const Json body = {{"gate", action.gate}, {"domain", action.domain}, {"hosts", facts}};
  if (auto noted = env.store.journal(step.id, "observation", body); !noted)
    co_return StepEnd::failed(noted.error());
  co_return StepEnd::done("the new hosts give what senders demand of TLS");
}

}  // namespace

Task<StepEnd> transport_gate(Env& env, const Step& step, const GateAction& action) {
  // What a broken line or a busy server hides for a moment does not hold a run that nobody watches.
  constexpr int kLooks = 3;
  for (int look = 1;; ++look) {
    auto end = co_await look_at_transport(env, step, action);
    if (end.kind != StepEnd::Kind::held) co_return end;
    if (look == kLooks) {
      const auto* domain = env.domain(action.domain);
      if (domain != nullptr && end.why.starts_with("ST-04") && !domain->sts_overlap.empty())
        show_policy(env, domain->name, domain->sts_overlap);
      co_return end;
    }
    if (!co_await nap(env, Millis(1000))) co_return StepEnd::stopped();
  }
}

}  // namespace mxferry::pipeline
