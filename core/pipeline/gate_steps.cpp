// SPDX-License-Identifier: Apache-2.0
#include "pipeline/gate_steps.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/crash_point.hpp"
#include "base/sha256.hpp"
#include "pipeline/mail_steps.hpp"
#include "protocol/dns/name.hpp"
#include "protocol/dns/rdata.hpp"

namespace mxferry::pipeline {
namespace {

// RFC 1122 §3.2.1.3 and the like: addresses that mail from outside can never reach.
bool is_loopback(const std::string& address) {
  return address.starts_with("127.") || address == "::1";
}

bool accepts(const config::PlanFile& file, const std::string& id) {
  return std::any_of(file.accept.begin(), file.accept.end(),
                     [&](const config::Accept& accept) { return accept.id == id; });
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

}  // namespace

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
  const std::string why = "waits for a person: the flip needs an approval";
  const std::string how = "mxferry approve " + env.file.file.string() + " --gate " + action.gate +
                          " --plan " + env.plan.hash.substr(0, 16);
  if (auto written = env.store.set_step(step.id, StepStatus::waiting, why); !written)
    co_return StepEnd::failed(written.error());
  env.watcher.step(step, StepStatus::waiting, why + "; " + how);
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
        if (accepts(env.file, "MB-01:" + box.dest)) continue;
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
    co_return StepEnd::held("no mailbox to send a canary to",
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
    auto before = env.store.observations("canary-sent", token);
    if (!before) co_return StepEnd::failed(before.error());
    if (before->empty()) {
      if (auto noted = env.store.journal(step.id, "intent", intent); !noted)
        co_return StepEnd::failed(noted.error());
      // An earlier attempt may have been killed between the server's 250 and our note.
      const auto there = co_await env.mail.find_canary(*box, token, false);
      if (!there) co_return StepEnd::failed(there.error());
      if (!*there) {
        const auto sent = co_await env.canary.send(target.host, target.address, to, message_id);
        if (!sent) {
          Error error = sent.error();
          if (error.code == ErrorCode::refused) {
            co_return StepEnd::held(
                "canary: the new MX " + target.host + " refuses mail for " + to + ": " +
                    error.message(),
                "make the mailbox known to the new MX, then run the same command again");
          }
          co_return StepEnd::failed(std::move(error));
        }
      }
      crash_point("canary.sent", step.id);
      if (auto noted = env.store.observe("canary-sent", token, intent); !noted)
        co_return StepEnd::failed(noted.error());
    }
    auto arrived = env.store.observations("canary-found", token);
    if (!arrived) co_return StepEnd::failed(arrived.error());
    bool here = !arrived->empty();
    const Instant began = env.clock.now();
    while (!here) {
      const auto there = co_await env.mail.find_canary(*box, token, true);
      if (!there) co_return StepEnd::failed(there.error());
      here = *there;
      if (here) {
        crash_point("canary.removed", step.id);
        if (auto noted = env.store.observe("canary-found", token, intent); !noted)
          co_return StepEnd::failed(noted.error());
        break;
      }
      if (env.clock.now() - began > std::chrono::minutes(15))
        co_return StepEnd::held("canary: " + target.host +
                                    " took the message, but it did not reach " + to +
                                    " within 15 minutes",
                                "look at the new server's delivery and its junk filter");
      if (!co_await nap(env, Millis(500))) co_return StepEnd::stopped();
    }
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
