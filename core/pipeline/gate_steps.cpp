// SPDX-License-Identifier: Apache-2.0
#include "pipeline/gate_steps.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/json_reader.hpp"
#include "base/sha256.hpp"
#include "pipeline/alerts.hpp"
#include "pipeline/mail_steps.hpp"
#include "pipeline/transport_steps.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

// RFC 1122 §3.2.1.3 and the like: addresses that mail from outside can never reach.
bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

struct Target {
  std::uint16_t preference = 0;
  std::string host;
  std::string address;
};

// The MX hosts' addresses, walked from the root ourselves.
Task<Result<std::vector<Target>>> direct_targets(Env& env, const DomainPlan& domain) {
  std::vector<Target> out;
  for (const auto& rdata : domain.mx_after) {
    MXF_CO_TRY(mx, dns::parse_mx(rdata));
    auto* eyes = &env.eyes;
    auto work = [eyes, host = mx.exchange, stop = env.stop] { return eyes->addresses(host, stop); };
    MXF_CO_TRY(addresses, co_await on_worker(env, std::move(work)));
    if (addresses.empty())
      co_return fail(ErrorCode::gate, "MX-03 " + mx.exchange, "the new MX host has no address");
    for (const auto& address : addresses) {
      if (is_loopback(address) && !env.file.allow_loopback) {
        Error error = fail(ErrorCode::gate, "MX-03 " + mx.exchange,
                           "the new MX host has the loopback address " + address +
                               ", which no sender can reach")
                          .error();
        co_return fail(std::move(error.with_remedy(
            "mend the host's address records ([resolve] allow_loopback is for labs)")));
      }
      out.push_back({mx.preference, mx.exchange, address});
    }
  }
  co_return out;
}

// What a sender who asks the given resolvers would find: the best MX and its address.
Task<Result<std::vector<Target>>> public_targets(Env& env, const DomainPlan& domain) {
  auto* eyes = &env.eyes;
  dns::Question question;
  question.name = domain.name + ".";
  question.type = "MX";
  auto ask = [eyes, question, stop = env.stop] { return eyes->ask_resolvers(question, stop); };
  const auto answers = co_await on_worker(env, std::move(ask));
  std::vector<Target> out;
  for (const auto& answer : answers) {
    if (answer.seen.kind != dns::Seen::Kind::present)
      co_return fail(ErrorCode::network, "public route of " + domain.name,
                     "resolver " + answer.name + " gives no MX: " + answer.seen.why);
    std::vector<Target> best;
    for (const auto& rdata : answer.seen.rdata) {
      MXF_CO_TRY(mx, dns::parse_mx(rdata));
      best.push_back({mx.preference, mx.exchange, ""});
    }
    std::sort(best.begin(), best.end(),
              [](const Target& a, const Target& b) { return a.preference < b.preference; });
    dns::Question host;
    host.name = best.front().host;
    host.type = "A";
    auto ask_host = [eyes, host, stop = env.stop] { return eyes->ask_resolvers(host, stop); };
    const auto hosts = co_await on_worker(env, std::move(ask_host));
    const auto same = std::find_if(hosts.begin(), hosts.end(), [&](const DnsEyes::Resolver& r) {
      return r.name == answer.name;
    });
    if (same == hosts.end() || same->seen.rdata.empty())
      co_return fail(ErrorCode::network, "public route of " + domain.name,
                     "resolver " + answer.name + " gives no address for " + host.name);
    best.front().address = same->seen.rdata.front();
    const bool known = std::any_of(
        out.begin(), out.end(), [&](const Target& t) { return t.address == best.front().address; });
    if (!known) out.push_back(best.front());
  }
  if (out.empty()) {
    // Without resolvers in the plan the authoritative view is all there is; converge has proven it.
    co_return co_await direct_targets(env, domain);
  }
  co_return out;
}

struct Canary {
  std::string host;
  std::string address;
  std::string to;
  std::string token;
  std::string message_id;
};

// An MX may take a message and deliver it later: so long a canary that may have been sent already
// is looked for before it is sent again. Wall time.
constexpr auto kCanarySettle = Millis(10'000);
constexpr auto kCanaryLimit = std::chrono::minutes(15);

Task<Result<bool>> look_for_canary(Env& env, const config::Mailbox& box, std::string token,
                                   Millis patience) {
  const Instant began = env.clock.now();
  for (;;) {
    MXF_CO_TRY(there, co_await env.mail.find_canary(box, token, false));
    if (there) co_return true;
    if (env.clock.now() - began >= patience) co_return false;
    if (!co_await nap(env, Millis(500)))
      co_return fail(ErrorCode::cancelled, "canary for " + box.dest, "stopped");
  }
}

// One canary, from its intent until it is found and gone again. Each stage is noted when it is
// known, and what follows it can be done twice. Nothing: it is done.
Task<std::optional<StepEnd>> deliver_canary(Env& env, const Step& step, const config::Mailbox& box,
                                            const Canary& canary, const Json& intent) {
  const auto noted = [&](const char* stage) -> Result<bool> {
    MXF_TRY(rows, env.store.observations(stage, canary.token));
    return !rows.empty();
  };
  const auto note = [&](const char* stage) {
    return env.store.observe(stage, canary.token, intent);
  };
  const auto sent_before = noted("canary-sent");
  if (!sent_before) co_return StepEnd::failed(sent_before.error());
  if (!*sent_before) {
    const auto tried_before = noted("canary-intent");
    if (!tried_before) co_return StepEnd::failed(tried_before.error());
    bool send = true;
    if (*tried_before) {
      // It may have been killed between the server's 250 and our note.
      const auto there = co_await look_for_canary(env, box, canary.token, kCanarySettle);
      if (!there) co_return StepEnd::failed(there.error());
      send = !*there;
      // Should both arrive after all, the later one is removed at the end of the watch.
      if (send) {
        if (auto kept = note("canary-twice"); !kept) co_return StepEnd::failed(kept.error());
      }
    } else {
      if (auto kept = env.store.journal(step.id, "intent", intent); !kept)
        co_return StepEnd::failed(kept.error());
      if (auto kept = note("canary-intent"); !kept) co_return StepEnd::failed(kept.error());
    }
    if (send) {
      const auto sent =
          co_await env.canary.send(canary.host, canary.address, canary.to, canary.message_id);
      if (!sent) {
        Error error = sent.error();
        if (error.code == ErrorCode::refused)
          co_return StepEnd::held(
              "CN-02: canary: the new MX " + canary.host + " refuses mail for " + canary.to + ": " +
                  error.message(),
              "make the mailbox known to the new MX, then run the same command again");
        co_return StepEnd::failed(std::move(error));
      }
    }
    crash_point("canary.sent", step.id);
    if (auto kept = note("canary-sent"); !kept) co_return StepEnd::failed(kept.error());
  }
  const auto found_before = noted("canary-found");
  if (!found_before) co_return StepEnd::failed(found_before.error());
  if (!*found_before) {
    const auto there = co_await look_for_canary(env, box, canary.token, kCanaryLimit);
    if (!there) co_return StepEnd::failed(there.error());
    if (!*there)
      co_return StepEnd::held("CN-03: canary: " + canary.host +
                                  " took the message, but it did not reach " + canary.to +
                                  " within 15 minutes",
                              "look at the new server's delivery and its junk filter");
    if (auto kept = note("canary-found"); !kept) co_return StepEnd::failed(kept.error());
  }
  // Noted first: once it is removed, nobody could find it any more.
  crash_point("canary.found", step.id);
  const auto removed = co_await env.mail.find_canary(box, canary.token, true);
  if (!removed) co_return StepEnd::failed(removed.error());
  crash_point("canary.removed", step.id);
  co_return std::nullopt;
}

}  // namespace

Task<Result<void>> remove_late_canaries(Env& env, const std::string& domain) {
  MXF_CO_TRY(rows, env.store.observations("canary-twice", ""));
  for (const auto& [at, body] : rows) {
    MXF_CO_TRY(json, parse_json(body, "state: canary"));
    MXF_CO_TRY(to, json_string(json, "to", "state: canary"));
    MXF_CO_TRY(token, json_string(json, "token", "state: canary"));
    const auto* box = env.mailbox(to);
    if (box == nullptr || !to.ends_with("@" + domain)) continue;
    MXF_CO_CHECK(co_await env.mail.find_canary(*box, token, true));
  }
  co_return Result<void>();
}

Task<StepEnd> approval(Env& env, const Step& step, const ApproveAction& action) {
  auto given = env.store.approved(env.plan.hash, action.gate);
  if (!given) co_return StepEnd::failed(given.error());
  if (*given) co_return StepEnd::done("approved");
  if (action.approvals == 0) {
    if (auto noted = env.store.approve(env.plan.hash, action.gate, "policy", "normal",
                                       "approve.flip = \"auto\"");
        !noted)
      co_return StepEnd::failed(noted.error());
    co_return StepEnd::done("approved by the plan's policy");
  }
  const std::string why = "AP-02: waits for a person: the flip needs an approval";
  const std::string how = "mxferry approve " + env.file.file.string() + " --gate " + action.gate +
                          " --plan " + env.plan.hash.substr(0, 16);
  if (auto written = env.store.set_step(step.id, StepStatus::waiting, why); !written)
    co_return StepEnd::failed(written.error());
  env.watcher.step(step, StepStatus::waiting, why + "; " + how);
  raise_alert(env, "gate", step.id + ":" + sha256_hex(why).substr(0, 16), step.id, why, how);
  for (;;) {
    if (env.no_wait) co_return StepEnd::person(why, how);
    if (!co_await nap(env, Millis(500))) co_return StepEnd::stopped();
    given = env.store.approved(env.plan.hash, action.gate);
    if (!given) co_return StepEnd::failed(given.error());
    if (*given) co_return StepEnd::done("approved");
  }
}

Task<StepEnd> mailbox_gate(Env& env, const Step& step, const GateAction& action) {
  for (int pass = 0; pass < 5; ++pass) {
    auto rows = env.store.mailboxes();
    if (!rows) co_return StepEnd::failed(rows.error());
    std::vector<const config::Mailbox*> stale;
    for (const auto& box : env.file.mailboxes) {
      if (!config::belongs_to(box, action.domain)) continue;
      const auto it = rows->find(box.dest);
      const std::string state = it == rows->end() ? "pending" : it->second.state;
      if (state != "verified") {
        Finding finding;
        finding.id = "MB-01:" + box.dest;
        finding.subject = box.dest;
        finding.text = "left behind at the flip: " + state;
        const auto is_waived = waived(env, step.id, finding);
        if (!is_waived) co_return StepEnd::failed(is_waived.error());
        if (*is_waived) continue;
        if (state == "copied" && it->second.words.empty()) {
          stale.push_back(&box);  // copied again since its verify
          continue;
        }
        co_return StepEnd::held(
            "MB-01: " + box.dest + " is " + state +
                (it == rows->end() || it->second.words.empty() ? "" : ": " + it->second.words),
            "mend it and run the same command again, or accept \"MB-01:" + box.dest +
                "\" with a reason in the plan");
      }
      // An upper bound is wall time, never scaled.
      if (!it->second.delta_at || env.clock.now() - *it->second.delta_at > env.file.delta_max_age)
        stale.push_back(&box);
    }
    if (stale.empty()) {
      const Json body = {{"gate", "MB-01"}, {"domain", action.domain}, {"verdict", "pass"}};
      if (auto noted = env.store.journal(step.id, "observation", body); !noted)
        co_return StepEnd::failed(noted.error());
      co_return StepEnd::done("every mailbox is copied, fresh and verified");
    }
    for (const auto* box : stale) {
      const auto copied = co_await copy_once(env, *box, CopyKind::last);
      if (!copied) co_return StepEnd::failed(copied.error());
      const auto verified = co_await verify_once(env, *box);
      if (!verified) co_return StepEnd::failed(verified.error());
    }
  }
  co_return StepEnd::held("MB-01: the last delta takes longer than delta.max_age (" +
                              format_duration(env.file.delta_max_age) + ")",
                          "raise delta.max_age, or flip at a quieter hour");
}

Task<StepEnd> canary(Env& env, const Step& step, const CanaryAction& action) {
  const auto* domain = env.domain(action.domain);
  const auto named = env.plan.policy.find("canary:" + action.domain);
  const std::string to = named == env.plan.policy.end() ? "" : named->second;
  const auto* box = env.mailbox(to);
  if (domain == nullptr || box == nullptr)
    co_return StepEnd::held("CN-01: no mailbox to send a canary to",
                            "set domain.canary to a mailbox of the plan");
  // Not one conditional expression: g++ 12 mixes up the frames of two awaits in its branches.
  std::optional<Result<std::vector<Target>>> targets_found;
  if (action.path == "direct") {
    targets_found.emplace(co_await direct_targets(env, *domain));
  } else {
    targets_found.emplace(co_await public_targets(env, *domain));
  }
  const auto& targets = *targets_found;
  if (!targets) co_return StepEnd::failed(targets.error());
  std::size_t found = 0;
  for (const auto& target : *targets) {
    // The same token after a restart: one that is on its way already is found, not sent twice.
    const std::string token =
        sha256_hex(env.plan.hash + "\n" + step.id + "\n" + target.address).substr(0, 32);
    const std::string message_id = "<canary." + token + "@" + domain->name + ">";
    const Json intent = {
        {"to", to}, {"mx", target.host}, {"address", target.address}, {"token", token}};
    const Canary one{target.host, target.address, to, token, message_id};
    auto ended = co_await deliver_canary(env, step, *box, one, intent);
    if (ended) co_return *ended;
    ++found;
  }
  const Json body = {{"path", action.path}, {"addresses", found}};
  if (auto noted = env.store.journal(step.id, "result", body); !noted)
    co_return StepEnd::failed(noted.error());
  co_return StepEnd::done(std::to_string(found) + " canaries sent and found by IMAP");
}

Task<StepEnd> plan_wait(Env& env, const Step& step, const WaitAction& action) {
  if (auto started = env.waits.start(step.id); !started) co_return StepEnd::failed(started.error());
  for (;;) {
    auto progress = env.waits.progress(step.id);
    if (!progress) co_return StepEnd::failed(progress.error());
    const auto left = env.scaled(action.duration) - progress->value_or(Millis(0));
    if (left <= Millis(0))
      co_return StepEnd::done("waited " + format_duration(action.duration) +
                              (env.scale > 1 ? " of plan time" : ""));
    (void)env.waits.checkpoint(step.id);
    const Instant t = env.clock.now() + left;
    const std::string why = action.what + ": " + format_duration(left) + " left";
    const auto waited = co_await wait_until(env, step, t, why);
    if (waited != Waited::go_on) co_return end_of(waited, t, why);
  }
}

}  // namespace mxferry::pipeline
